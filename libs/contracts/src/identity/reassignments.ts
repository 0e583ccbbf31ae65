import { Flag, Id, ListOf, OneOf, Texts } from '../fields.js';
import { operation } from '../operation.js';
import { MANAGERS } from '../principal.js';
import { PreviewBlocker, PreviewRule, UncountedService } from './departure-previews.js';
import { DEPARTURE_TRANSITIONS, type DepartureTransition } from './departure-receipts.js';

const MOST_RULES = 500;

/** What a user who stays hands over, and to whom. */
export class ReassignmentRequest {
  @Texts(/^\S+$/, 'the id of a rule', {
    min: 1,
    max: MOST_RULES,
    about: 'The ids of the rules whose rows are handed over. Each has to offer `transfer` or `replace`.',
  })
  rules: string[];
  @Id({ about: 'The active user who gets the rows.' }) to: string;
  @Flag({ optional: true, about: 'Only count and check: nothing is changed.' }) dryRun?: boolean;
}

/** The departure that hands the rows over; for a dry run, what it would do. */
export class Reassignment {
  @Id({ optional: true, about: 'The departure with the receipts, `GET /v1/departures/{id}`. Absent for a dry run.' })
  id?: string;
  @Id() userId: string;
  @OneOf(DEPARTURE_TRANSITIONS, { about: '`reassigned`.' }) transition: DepartureTransition;
  @Flag({ optional: true, about: 'True for a dry run, which has changed nothing.' }) dryRun?: boolean;
  @Flag({ optional: true, about: 'In a dry run: whether nothing prevents the reassignment.' }) possible?: boolean;
  @ListOf(() => PreviewBlocker, { optional: true, about: 'In a dry run: with which codes it would be refused.' })
  blockers?: PreviewBlocker[];
  @ListOf(() => PreviewRule, { optional: true, about: 'In a dry run: the rows that would be handed over.' })
  rules?: PreviewRule[];
  @ListOf(() => UncountedService, { optional: true, about: 'In a dry run: services that could not count their rows.' })
  uncounted?: UncountedService[];
}

export const usersReassign = operation<Reassignment, ReassignmentRequest>({
  id: 'users.reassign',
  service: 'identity',
  method: 'POST',
  path: '/v1/users/:id/reassign',
  summary: 'Hand rows of a user over to another user, by chosen rules; the user stays active',
  body: ReassignmentRequest,
  answer: Reassignment,
  status: 202,
  location: '/v1/departures/:id',
  access: MANAGERS,
  errors: [
    'forbidden',
    'not-found',
    'conflict',
    'invalid-successor',
    'unknown-rule',
    'invalid-action',
    'service-unavailable',
  ],
  // Longer than usual, because a dry run waits for other services.
  timeout: 15_000,
});
