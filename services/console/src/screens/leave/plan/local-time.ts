const two = (value: number): string => String(value).padStart(2, '0');

/** For a field of the browser, which knows no zone: `2026-12-07T14:30` in the reader's zone. */
export function toLocal(at: string | undefined): string {
  if (!at) return '';
  const date = new Date(at);
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** Undefined while the field is not complete. */
export const fromLocal = (text: string): string | undefined => (text === '' ? undefined : new Date(text).toISOString());

export const isFuture = (at: string | undefined): boolean => at !== undefined && new Date(at).getTime() > Date.now();
