import { operation } from './operation.js';
import type { Ask } from './lifecycle.js';
import { MANAGERS } from './principal.js';

/** A rule has moved on, a service has answered, the departure itself has changed its status. */
export const PROGRESS_EVENTS = ['rule', 'service', 'departure'] as const;

export interface DepartureEvent {
  /** Counts up from 1 within the departure; the id of the server-sent event. */
  n: number;
  type: (typeof PROGRESS_EVENTS)[number];
  data: unknown;
}

/** The gateway makes the stream out of `departureEvents`. */
export const watchDeparture = operation({
  id: 'departures.events',
  service: 'identity',
  method: 'GET',
  path: '/v1/departures/:id/events',
  summary: 'Watch a departure as server-sent events: `rule`, `service`, `departure`',
  access: MANAGERS,
  status: 200,
  custom: true,
  produces: 'text/event-stream',
  errors: ['not-found'],
});

/**
 * What has happened to a departure after event number `after` (0 for all), in order; `final` when nothing will follow
 * these. Answers `not-found` for a departure of another account.
 */
export const departureEvents: Ask<
  { accountId: string; departureId: string; after: number },
  { events: DepartureEvent[]; final: boolean }
> = { service: 'identity', subject: 'rpc.identity.departures.progress', timeout: 5_000 };

/**
 * Where identity says, with an empty message on core NATS, that `departureEvents` has something new. Not below
 * `departure.`, which a stream keeps for a week.
 */
export const departureProgress = (departureId: string): string => `progress.departure.${departureId}`;
