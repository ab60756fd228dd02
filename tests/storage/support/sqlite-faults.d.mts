export function killWriters(options: { file: string; times: number; random: () => number }): Promise<{ acknowledged: number }>;
export function failNth(options: {
  file: string;
  n: number;
  error: string;
  isLasting: boolean;
}): Promise<{ acknowledged: number; failed: number }>;
