import {
  DEPARTURE_TRANSITIONS,
  DepartureProgress,
  DepartureService,
  DepartureServiceSummary,
  type DepartureTransition,
} from './departure-receipts.js';
import { Flag, Id, ListOf, Moment, Nested, OneOf, Text, Whole } from '../fields.js';
import { operation, UserView } from '../operation.js';
import { MANAGERS } from '../principal.js';
import { PROBLEM_CODES, type ProblemCode } from '../problem.js';
import {
  DepartureChange,
  DepartureRequest,
  DepartureOverrides,
  Reactivation,
  Restoration,
  TellContacts,
  type RestoreWish,
} from './departure-requests.js';
import { Approval } from './approvals.js';
import { Successors, type NamedSuccessors } from './successors.js';
import type { ActionInput } from './policy.js';
import { Invitation } from './invitations.js';

export const DEPARTURE_STATUSES = [
  'awaiting-approval',
  'scheduled',
  'running',
  'completed',
  'failed',
  'superseded',
  'cancelled',
] as const;
export type DepartureStatus = (typeof DEPARTURE_STATUSES)[number];

/** A scheduled departure that a later decision has ended. */
export class CalledOffDeparture {
  @Id() id: string;
  @OneOf(DEPARTURE_TRANSITIONS) transition: DepartureTransition;
  @Moment({ about: 'The time that it was scheduled for.' }) effectiveAt: string;
}

/** What lists and the departure itself show. */
export class DepartureBasics {
  @Id() id: string;
  @Id() userId: string;
  @OneOf(DEPARTURE_TRANSITIONS) transition: DepartureTransition;
  @OneOf(DEPARTURE_STATUSES) status: DepartureStatus;
  @Id({ nullable: true, about: 'The user who requested it.' }) requestedBy: string | null;
  @Flag({
    optional: true,
    about:
      'Present for a departure that is scheduled or waits for approval, and whose requester has left since. It stays.',
  })
  requesterHasLeft?: boolean;
  @Moment() requestedAt: string;
  @Moment({
    about: 'When it begins or began; for one that begins when it is approved, until then when it was requested.',
  })
  effectiveAt: string;
  @Moment({ nullable: true }) completedAt: string | null;
  @Text({ nullable: true, max: 1000, about: 'Erased when a deletion is complete.' }) reason: string | null;
  @Moment({ optional: true, about: 'When the user will be reactivated.' }) returnAt?: string;
  @Id({ optional: true, about: 'For a scheduled reactivation: the deactivation that it ends.' }) returnsFrom?: string;
  @Id({ optional: true, about: 'For a deletion that the policy has scheduled: the deactivation that it follows.' })
  erasesFrom?: string;
  @Id({ optional: true, about: 'The shared inbox that the user’s number and threads are converted to.' })
  inboxId?: string;
  @OneOf(PROBLEM_CODES, {
    optional: true,
    about:
      'The code with which a scheduled departure was refused when it was due; `approval-refused` or `approval-expired` for one ' +
      'that was not approved.',
  })
  error?: ProblemCode;
  @Text({ optional: true, max: 1000, about: 'Why it was refused.' }) errorDetail?: string;
  @ListOf(() => CalledOffDeparture, {
    optional: true,
    about: 'The scheduled departures of the user that this one has called off or overtaken.',
  })
  calledOff?: CalledOffDeparture[];
  @Id({ optional: true, about: 'The departure that has called this scheduled one off or overtaken it.' })
  calledOffBy?: string;
  @Nested(() => Approval, { optional: true, about: 'For a departure that needs or needed an approval.' })
  approval?: Approval;
  @Nested(() => DepartureProgress) progress: DepartureProgress;
}

/** A departure as lists show it. */
export class DepartureSummary extends DepartureBasics {
  @Nested(() => UserView, { about: 'The user whom it is about.' }) user: UserView;
  @Nested(() => UserView, { nullable: true, about: 'The user who requested it.' }) requester: UserView | null;
  @ListOf(() => DepartureServiceSummary) services: DepartureServiceSummary[];
}

/** How many contacts of the leaver have been told. */
export class ContactsTold {
  @Whole({ about: 'Contacts to tell who have a phone number, as far as it has been looked up.' }) total: number;
  @Whole({ about: 'Texts that the carrier has accepted.' }) sent: number;
  @Whole({ about: 'Texts that the carrier has refused for good.' }) failed: number;
  @Whole({ about: 'Texts that a later decision about the user has called off.' }) cancelled: number;
}

export class Departure extends DepartureBasics {
  @Successors() successors?: NamedSuccessors;
  @DepartureOverrides({
    about: 'By rule id: the actions that the request of a departure that is scheduled or waits for approval names.',
  })
  overrides?: Record<string, ActionInput>;
  @Restoration({ about: 'What a reactivation restores; for a scheduled deactivation, what its return will restore.' })
  restore?: RestoreWish;
  @Nested(() => TellContacts, {
    optional: true,
    about: 'What the contacts of the leaver are told. Erased when the departure ends.',
  })
  tellContacts?: TellContacts;
  @Nested(() => ContactsTold, {
    optional: true,
    about: 'Only when a single departure is read that tells contacts, and if the messaging service answers.',
  })
  contactsTold?: ContactsTold;
  @Nested(() => Invitation, {
    optional: true,
    about: 'In the answer to the reactivation of a user who was invited when they left: the new invitation.',
  })
  invitation?: Invitation;
  @ListOf(() => DepartureService) services: DepartureService[];
}

const ofUser = { service: 'identity', access: MANAGERS } as const;
const leaving: readonly ProblemCode[] = [
  'forbidden',
  'not-found',
  'conflict',
  'sole-owner',
  'numbers-assigned',
  'plan-stale',
  'uncounted',
  'invalid-successor',
  'unknown-rule',
  'invalid-action',
  'service-unavailable',
  'no-approver',
  'unknown-reference',
];
export const deletingErrors: readonly ProblemCode[] = [...leaving, 'not-deactivated', 'retention', 'legal-hold'];
/** Milliseconds. Longer than usual, because the owning service waits for other services. */
export const DECISION_TIMEOUT = 15_000;

export const usersDeactivate = operation<Departure, DepartureRequest>({
  ...ofUser,
  id: 'users.deactivate',
  method: 'POST',
  path: '/v1/users/:id/deactivate',
  summary: 'Deactivate a user: sign out everywhere at once and handle the data as the policy says',
  body: DepartureRequest,
  bodyOptional: true,
  answer: Departure,
  status: 202,
  errors: leaving,
  timeout: DECISION_TIMEOUT,
});

export const usersDelete = operation<Departure, DepartureRequest>({
  ...ofUser,
  id: 'users.delete',
  method: 'POST',
  path: '/v1/users/:id/delete',
  summary: 'Delete a user permanently',
  body: DepartureRequest,
  bodyOptional: true,
  answer: Departure,
  status: 202,
  errors: deletingErrors,
  timeout: DECISION_TIMEOUT,
});

export const usersRemove = operation<Departure>({
  ...ofUser,
  id: 'users.remove',
  method: 'DELETE',
  path: '/v1/users/:id',
  summary: 'Delete a user permanently, as the account’s policy says',
  answer: Departure,
  status: 202,
  errors: deletingErrors,
  timeout: DECISION_TIMEOUT,
});

export const usersReactivate = operation<Departure, Reactivation>({
  ...ofUser,
  id: 'users.reactivate',
  method: 'POST',
  path: '/v1/users/:id/reactivate',
  summary: 'Reactivate a deactivated user with the previous status, password, roles and teams',
  body: Reactivation,
  bodyOptional: true,
  answer: Departure,
  status: 202,
  errors: ['forbidden', 'not-found', 'conflict', 'no-free-seat', 'plan-stale', 'unknown-rule'],
});

export const departuresGet = operation<Departure>({
  ...ofUser,
  id: 'departures.get',
  method: 'GET',
  path: '/v1/departures/:id',
  summary: 'Read a departure with the receipts of all services',
  answer: Departure,
  errors: ['not-found'],
});

export const departuresUpdate = operation<Departure, DepartureChange>({
  ...ofUser,
  id: 'departures.update',
  method: 'PATCH',
  path: '/v1/departures/:id',
  summary: 'Move a scheduled departure or return, or change its reason',
  body: DepartureChange,
  answer: Departure,
  errors: ['forbidden', 'not-found', 'conflict', 'sole-owner', 'not-deactivated', 'retention', 'invalid-successor'],
});

export const departuresCancel = operation<Departure>({
  ...ofUser,
  id: 'departures.cancel',
  method: 'POST',
  path: '/v1/departures/:id/cancel',
  summary: 'Cancel a departure that is scheduled or waits for approval',
  answer: Departure,
  status: 200,
  errors: ['forbidden', 'not-found', 'conflict'],
});

export const departuresRetry = operation<Departure>({
  ...ofUser,
  id: 'departures.retry',
  method: 'POST',
  path: '/v1/departures/:id/retry',
  summary: 'Have the services of an open departure that have not finished try again at once',
  answer: Departure,
  status: 202,
  location: '/v1/departures/:id',
  errors: ['forbidden', 'not-found', 'conflict'],
});
