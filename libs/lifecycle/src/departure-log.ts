import type { Receipt } from '#libs/contracts';
import type { Log } from '#libs/observability';

/** Up to this many departures get a log line each; more get one line with their number. */
const FEW = 20;

/** Logs what happened to departures, so that each can be found by its id in the logs of every service. */
export function logDepartures(
  log: Log,
  message: string,
  departures: readonly ({ departureId: string } & object)[],
): void {
  if (departures.length > FEW) log.info({ departures: departures.length }, message);
  else for (const departure of departures) log.info(departure, message);
}

/** Logs why the departures in these receipts have not finished: the rule, the names in the error, and the next try. */
export function logFailures(log: Log, receipts: readonly Receipt[]): void {
  const failed = receipts.filter(({ departureId, failure }) => departureId && failure);
  for (const { departureId, status, failure } of failed.slice(0, FEW))
    log.warn({ departureId, status, ...failure }, 'a departure event failed');
  if (failed.length > FEW) log.warn({ departures: failed.length }, 'departure events failed');
}
