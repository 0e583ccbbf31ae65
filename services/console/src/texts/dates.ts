import { LOCALE, textsOf } from './language';

const dates = textsOf({ yesterday: 'Yesterday', today: 'Today', tomorrow: 'Tomorrow' });

const TIME = new Intl.DateTimeFormat(LOCALE, { hour: '2-digit', minute: '2-digit' });
const DAY = new Intl.DateTimeFormat(LOCALE, { day: 'numeric', month: 'short' });
const DAY_AND_YEAR = new Intl.DateTimeFormat(LOCALE, { day: 'numeric', month: 'short', year: 'numeric' });
const FULL = new Intl.DateTimeFormat(LOCALE, { dateStyle: 'full', timeStyle: 'long' });
const ZONE = new Intl.DateTimeFormat('en', { timeZoneName: 'long' });

const MS_PER_DAY = 86_400_000;

/** Midnight of a day, so that two of them differ by whole days. */
const dayOf = (date: Date): number => Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());

/** Whole days from today: 0 for today, 1 for tomorrow, -1 for yesterday. */
export const daysFromNow = (date: Date, now = new Date()): number => (dayOf(date) - dayOf(now)) / MS_PER_DAY;

/** `Today`, `Tomorrow`, `7 Dec` or, of another year, `7 Dec 2027`. */
export function dayText(date: Date, now = new Date()): string {
  const days = daysFromNow(date, now);
  const near = { '-1': dates.yesterday, '0': dates.today, '1': dates.tomorrow }[String(days)];
  if (near) return near;
  return (date.getFullYear() === now.getFullYear() ? DAY : DAY_AND_YEAR).format(date);
}

/** `Today, 14:31` */
export const momentText = (date: Date): string => `${dayText(date)}, ${TIME.format(date)}`;

/** With the weekday, the seconds and the zone. */
export const fullText = (date: Date): string => FULL.format(date);

/** `Central Standard Time` */
export const zoneText = (): string =>
  ZONE.formatToParts(new Date()).find(({ type }) => type === 'timeZoneName')?.value ?? 'UTC';
