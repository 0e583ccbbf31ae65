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
