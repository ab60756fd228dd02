import type { Paint } from './paint.ts';
import { cutToWidth, widthOf } from './text.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Whether the column may be cut where the table is wider than the terminal. */
  readonly shrinks?: boolean;
  /** Colours one cell; applied after cutting, so that colours are never cut. */
  readonly paint?: (text: string, row: readonly string[]) => string;
}

export interface TableOptions {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly string[])[];
  /** Columns of the terminal; `Infinity` where there is none. */
  readonly width: number;
  readonly paint: Paint;
}

const GAP = '  ';
const NARROWEST = 8;

/** Lines of a table with aligned columns and a title line. Columns that shrink share what is too wide, the widest first. */
export function renderTable({ columns, rows, width, paint }: TableOptions): string[] {
  const widths = fitWidths(columns, rows, width);
  const renderRow = (row: readonly string[], isTitle: boolean): string => {
    const cells = columns.map((column, index) => {
      const text = cutToWidth(row[index] ?? '', widths[index]!);
      const painted = isTitle ? paint.dim(text) : (column.paint?.(text, row) ?? text);
      const gap = ' '.repeat(Math.max(0, widths[index]! - widthOf(text)));
      return column.align === 'right' ? gap + painted : painted + gap;
    });
    return cells.join(GAP).trimEnd();
  };
  return [
    renderRow(
      columns.map(({ title }) => title),
      true,
    ),
    ...rows.map((row) => renderRow(row, false)),
  ];
}

function fitWidths(columns: readonly Column[], rows: TableOptions['rows'], width: number): number[] {
  const widths = columns.map(({ title }, index) => Math.max(widthOf(title), ...rows.map((row) => widthOf(row[index] ?? ''))));
  const totalOf = () => widths.reduce((sum, each) => sum + each, GAP.length * (columns.length - 1));
  for (let excess = totalOf() - width; excess > 0; excess = totalOf() - width) {
    const shrinkable = columns.map((_, index) => index).filter((index) => columns[index]!.shrinks === true && widths[index]! > NARROWEST);
    if (shrinkable.length === 0) break;
    const widest = shrinkable.reduce((best, index) => (widths[index]! > widths[best]! ? index : best));
    const next = Math.max(NARROWEST, ...shrinkable.filter((index) => index !== widest).map((index) => widths[index]!));
    widths[widest] = Math.max(NARROWEST, widths[widest]! - excess, Math.min(next, widths[widest]! - 1));
  }
  return widths;
}
