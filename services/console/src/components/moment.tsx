import { dayText, fullText, momentText } from '../texts/dates';

/** A time in the reader's zone; the whole of it, with the zone, is shown on hovering. */
export function Moment({ at, only }: { at: string; only?: 'day' }) {
  const date = new Date(at);
  return (
    <time dateTime={at} title={fullText(date)}>
      {only === 'day' ? dayText(date) : momentText(date)}
    </time>
  );
}
