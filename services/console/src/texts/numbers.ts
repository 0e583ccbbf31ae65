import { LOCALE } from './language';

const NUMBER = new Intl.NumberFormat(LOCALE);
const RULES = new Intl.PluralRules('en');
const LIST = new Intl.ListFormat('en', { type: 'conjunction' });

export const number = (value: number): string => NUMBER.format(value);

/** `plural(2, '# person', '# people')`: the sign # becomes the number. */
export const plural = (count: number, one: string, other: string): string =>
  (RULES.select(count) === 'one' ? one : other).replace('#', number(count));

export const list = (parts: readonly string[]): string => LIST.format(parts);
