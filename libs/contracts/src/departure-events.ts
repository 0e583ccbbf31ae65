import { GATEWAY } from './callers.js';
import { Id, Moment, Nested, OneOf, Shape, SomeOf } from './fields.js';
import { APPROVAL_REASONS, type ApprovalReason } from './identity/approvals.js';
import { DEPARTURE_TRANSITIONS, type DepartureTransition } from './identity/departure-receipts.js';
import { operation } from './operation.js';
import type { Ask } from './lifecycle.js';
import { MANAGERS } from './principal.js';

/** A rule has made progress, a service has answered, or the departure has changed its status. */
export const PROGRESS_EVENTS = ['rule', 'service', 'departure'] as const;

export interface DepartureEvent {
  /** Counts from 1 within the departure. It is the id of the server-sent event. */
  n: number;
  type: (typeof PROGRESS_EVENTS)[number];
  data: unknown;
}

/** The gateway builds the stream from `departureEvents`. */
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
 * The events of a departure after number `after` (0 for all), in order. `final` if no more will follow.
 * @throws Problem `not-found` for a departure of another account
 */
export const departureEvents: Ask<
  { accountId: string; departureId: string; after: number },
  { events: DepartureEvent[]; final: boolean }
> = { service: 'identity', subject: 'rpc.identity.departures.progress', timeout: 5_000, calledBy: [GATEWAY] };

/**
 * The core NATS subject on which identity signals new `departureEvents` with an empty message. It is not below
 * `departure.`, because a stream stores those subjects for a week.
 */
export const departureProgress = (departureId: string): string => `progress.departure.${departureId}`;

/** The data of `departure.completed` on the stream `DEPARTURES`. */
export class CompletedDeparture {
  @Id() departureId: string;
  @Id() accountId: string;
  @Id() userId: string;
  @OneOf(DEPARTURE_TRANSITIONS) transition: DepartureTransition;
  @Moment() completedAt: string;
  @Shape(
    { type: 'object', additionalProperties: { type: 'integer', minimum: 0 } },
    'an object: service → number of rows',
    {
      about: 'The number of changed rows by service.',
    },
  )
  affected: Record<string, number>;
}

export class ApprovalNews {
  @SomeOf(APPROVAL_REASONS) neededFor: ApprovalReason[];
  @Id({ nullable: true, about: 'The user who requested it, who cannot approve it. Null for an identity provider.' })
  requestedBy: string | null;
  @Moment() expiresAt: string;
}

/** The data of `departure.approval-requested`, `scheduled`, `announced`, `started`, `failed` and `cancelled` on the stream `DEPARTURES`. */
export class DepartureNews {
  @Id() departureId: string;
  @Id() accountId: string;
  @Id() userId: string;
  @OneOf(DEPARTURE_TRANSITIONS) transition: DepartureTransition;
  @Moment({ about: 'When the departure begins or began.' }) effectiveAt: string;
  @Nested(() => ApprovalNews, { optional: true, about: 'In `departure.approval-requested`: which approval is wanted.' })
  approval?: ApprovalNews;
}
