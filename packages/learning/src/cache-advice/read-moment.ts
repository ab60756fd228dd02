const months = ['january', 'february', 'march', 'april', 'may', 'june', 'july', 'august', 'september', 'october', 'november', 'december'];

/**
 * A calendar day or a time of day as one spelling, `2024-03-09` or `17:30`. A text of which the order of day and month is not certain,
 * or that is more than a day or a time, gives `undefined`.
 */
export function readMoment(text: string): string | undefined {
  const plain = text.trim().toLowerCase();
  return plain.length > 30 ? undefined : (readDay(plain) ?? readTime(plain));
}

function readDay(text: string): string | undefined {
  const iso = /^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})$/.exec(text);
  if (iso !== null) return spellDay(Number(iso[1]), Number(iso[2]), Number(iso[3]));
  const named = /^([a-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})$/.exec(text);
  if (named !== null) return spellDay(Number(named[3]), monthOf(named[1]!), Number(named[2]));
  const dayFirst = /^(\d{1,2})(?:st|nd|rd|th)?[ -](?:of )?([a-z]{3,9})\.?,?[ -](\d{4})$/.exec(text);
  if (dayFirst !== null) return spellDay(Number(dayFirst[3]), monthOf(dayFirst[2]!), Number(dayFirst[1]));
  const digits = /^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})$/.exec(text);
  if (digits === null) return undefined;
  const [one, other] = [Number(digits[1]), Number(digits[2])];
  if (one > 12) return spellDay(Number(digits[3]), other, one);
  return other > 12 || one === other ? spellDay(Number(digits[3]), one, other) : undefined;
}

const monthOf = (name: string): number => months.findIndex((month) => month === name || (name.length === 3 && month.startsWith(name))) + 1;

function spellDay(year: number, month: number, day: number): string | undefined {
  if (month < 1 || month > 12 || day < 1 || day > 31) return undefined;
  return `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
}

function readTime(text: string): string | undefined {
  const found = /^(\d{1,2})(?:[:.](\d{2}))?(?::00)? ?([ap])\.?m\.?$/.exec(text) ?? /^(\d{1,2}):(\d{2})(?::00)?$/.exec(text);
  if (found === null) return undefined;
  const minute = Number(found[2] ?? 0);
  const half = found[3];
  const hour = half === undefined ? Number(found[1]) : (Number(found[1]) % 12) + (half === 'p' ? 12 : 0);
  if (hour > 23 || minute > 59 || (half !== undefined && (Number(found[1]) < 1 || Number(found[1]) > 12))) return undefined;
  return `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`;
}
