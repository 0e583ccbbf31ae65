/** @import { Departure, DepartureProgress, DepartureRule, DepartureService, DepartureStatus } from '#libs/contracts' */
/** @import { HttpClient, ServerSentEvent } from '../http-client.mjs' */
import { HttpError } from '../http-client.mjs';

/**
 * A step of a departure: a rule has finished in a service, a service or the departure has another status.
 * @typedef {{ type: 'rule', data: Pick<DepartureRule, 'rule' | 'part' | 'transition' | 'action' | 'affected'> & { service: string } }
 *   | { type: 'service', data: Pick<DepartureService, 'service' | 'status' | 'error' | 'failure'> }
 *   | { type: 'departure', data: { id: string, status: DepartureStatus, progress: DepartureProgress } }} DepartureStep
 */

/** @type {readonly DepartureStatus[]} */
const FINAL = ['completed', 'failed', 'superseded', 'cancelled'];
/** @type {readonly DepartureStatus[]} */
const NOT_BEGUN = ['awaiting-approval', 'scheduled'];
/** Milliseconds. */
const RETRY_DELAY = 500;
/** Milliseconds that the gateway may be unreachable. */
const MAX_OUTAGE = 60_000;

/** @param {number} milliseconds */
const pause = (milliseconds) => new Promise((wake) => setTimeout(wake, milliseconds));

/**
 * Follows a departure by its server-sent events until it has ended, and resumes when the gateway restarts.
 * @param {HttpClient} api
 * @param {Departure} departure
 * @param {(step: DepartureStep) => void} onStep
 * @param {AbortSignal} [signal] stops watching with an error
 * @returns {Promise<Departure>} the departure when it has ended; one that is scheduled or waits for approval immediately
 */
export async function watchDeparture(api, departure, onStep, signal) {
  const path = `/v1/departures/${departure.id}`;
  let latest = departure;
  let lastEventId = '0';
  /** @type {number | undefined} */
  let unreachableSince;
  while (!FINAL.includes(latest.status) && !NOT_BEGUN.includes(latest.status)) {
    let received = 0;
    try {
      for await (const event of api.events(`${path}/events`, lastEventId, signal)) {
        lastEventId = event.id ?? lastEventId;
        unreachableSince = undefined;
        received += 1;
        onStep(stepOf(event));
      }
      latest = await api.get(path);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof HttpError && error.status < 500) throw error;
      unreachableSince ??= performance.now();
      if (performance.now() - unreachableSince > MAX_OUTAGE) throw error;
    }
    // After a stream that ended without events, wait before the next request.
    if (received === 0) await pause(RETRY_DELAY);
    signal?.throwIfAborted();
  }
  return latest;
}

/**
 * The gateway documents these events; they are not checked here.
 * @param {ServerSentEvent} event
 */
const stepOf = ({ type, data }) => /** @type {DepartureStep} */ ({ type, data });
