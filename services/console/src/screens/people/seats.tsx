import { useQuery } from '@tanstack/react-query';
import { accountQuery } from '../../api/session';
import { people as texts } from '../../texts/people';

/** Its place is kept while the numbers are loaded. */
export function Seats() {
  const { data } = useQuery(accountQuery);
  const { used, total, free } = data?.seats ?? { used: 0, total: 1, free: 0 };
  return (
    <div className="seats" data-loading={data === undefined || undefined}>
      <span>
        <b>{texts.seats.used(used, total)}</b>
        <span className="muted">{texts.seats.free(free)}</span>
      </span>
      <meter min={0} max={total} value={used} aria-label={texts.seats.meter}>
        {texts.seats.used(used, total)}
      </meter>
    </div>
  );
}
