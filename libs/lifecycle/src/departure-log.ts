import type { Log } from '#libs/observability';

/** Of so many departures each has a line of its own; of more there is one line, with their number. */
const FEW = 20;

/** Says what has become of departures, so that by its id each is found in every service. */
export function logDepartures(
  log: Log,
  message: string,
  departures: readonly ({ departureId: string } & object)[],
): void {
  if (departures.length > FEW) log.info({ departures: departures.length }, message);
  else for (const departure of departures) log.info(departure, message);
}
