import { MOST_TO_TELL } from '../contacts-to-tell.js';
import { Id, ListOf, Moment, Nested, OneOf, Text, Whole } from '../fields.js';
import { NoBody, operation, UserView } from '../operation.js';
import { DEPARTURE_TRANSITIONS, type DepartureTransition } from './departure-receipts.js';
import { ContactsTold, DEPARTURE_STATUSES, type DepartureStatus } from './departures.js';

/** The media types of a report, by format. */
export const HANDOVER_TYPES = { json: 'application/json', csv: 'text/csv', html: 'text/html' } as const;
export type HandoverFormat = keyof typeof HANDOVER_TYPES;

/** Why something needs a look. */
export const HANDOVER_CHECKS = [
  'warning',
  'failed',
  'unfinished',
  'remaining',
  'not-restored',
  'skipped',
  'delayed',
  'held',
  'quarantine',
] as const;
export type HandoverCheckKind = (typeof HANDOVER_CHECKS)[number];

export class HandoverQuery {
  @Id({
    optional: true,
    about: 'Only the part of this user. Users who are not managers get their own part, and may name only themselves.',
  })
  receiverId?: string;
  @OneOf(Object.keys(HANDOVER_TYPES), {
    optional: true,
    about: 'Has precedence over the header `Accept`. Default: `json`.',
  })
  format?: HandoverFormat;
}

/** Rows of one rule that a receiver has now. */
export class HandedOverRows {
  @Text() service: string;
  @Text() rule: string;
  @Text({ optional: true, about: 'The kind of rows, if the rule covers several kinds.' }) part?: string;
  @Text({ about: 'The label of the rule.' }) label: string;
  @OneOf(DEPARTURE_TRANSITIONS) transition: DepartureTransition;
  @Whole({ about: 'Rows as the receipt counts them. Later changes are not included.' }) affected: number;
}

/** Something that a person should look at. */
export class HandoverCheck {
  @OneOf(HANDOVER_CHECKS, {
    about:
      '`warning`: `code` is the warning of the receipt, such as `successor-has-left`. `failed`: `code` is the error. ' +
      '`unfinished`: rows are still being changed. `remaining`: rows that the rule should have changed and has not. ' +
      '`not-restored`: rows that a reactivation has not given back; `code` says why. `skipped`: the service has not applied all ' +
      'rules, because it was retired or a later decision has replaced this one. `delayed`: the effect is due at `dueAt`. `held`: a legal hold delays it. ' +
      '`quarantine`: numbers that are released at `dueAt` and can be restored until then.',
  })
  kind: HandoverCheckKind;
  @Text() service: string;
  @Text({ optional: true, about: 'Absent if it concerns the whole service.' }) rule?: string;
  @Text({ optional: true }) part?: string;
  @Text({ optional: true, about: 'The label of the rule.' }) label?: string;
  @Whole({ optional: true, about: 'Rows that it concerns.' }) affected?: number;
  @Moment({ optional: true, about: 'When the delayed effect is due.' }) dueAt?: string;
  @Text({ optional: true, about: 'The code of a warning or an error.' }) code?: string;
}

export class ContactToCall {
  @Id() contactId: string;
  @Text({ nullable: true }) name: string | null;
  @Text({ nullable: true }) phone: string | null;
  @Moment({ optional: true, about: 'The time of the last message in either direction. Only managers see it.' })
  lastMessageAt?: string;
}

/** What one user has received. */
export class HandoverPart {
  @Nested(() => UserView) receiver: UserView;
  @ListOf(() => HandedOverRows, { about: 'Rules with rows that the receiver has got.' }) received: HandedOverRows[];
  @Whole({ about: 'Rows of all rules.' }) affected: number;
  @ListOf(() => HandoverCheck, { about: 'What needs a look.' }) checks: HandoverCheck[];
  @ListOf(() => ContactToCall, {
    max: MOST_TO_TELL,
    about: 'Contacts who exchanged messages with the leaver lately and are now assigned to the receiver, latest first.',
  })
  contacts: ContactToCall[];
}

/** What users have received from a leaver: the receipts of a departure, by receiver. */
export class HandoverReport {
  @Id() departureId: string;
  @Nested(() => UserView, { about: 'The leaver.' }) user: UserView;
  @OneOf(DEPARTURE_TRANSITIONS) transition: DepartureTransition;
  @OneOf(DEPARTURE_STATUSES, { about: 'Until it is `completed`, receivers may get more.' }) status: DepartureStatus;
  @Moment() effectiveAt: string;
  @Moment({ nullable: true }) completedAt: string | null;
  @ListOf(() => HandoverPart, { about: 'The part of each receiver, those with the most rows first.' })
  parts: HandoverPart[];
  @ListOf(() => HandoverCheck, {
    optional: true,
    about: 'What needs a look and concerns no receiver. Only for managers, and not with `receiverId`.',
  })
  checks?: HandoverCheck[];
  @ListOf(() => ContactToCall, {
    max: MOST_TO_TELL,
    optional: true,
    about:
      'Contacts to call who are assigned to none of the receivers, latest first. Only for managers, and not with `receiverId`.',
  })
  contacts?: ContactToCall[];
  @Nested(() => ContactsTold, {
    optional: true,
    about: 'If the departure tells contacts that the user leaves. Only for managers, and not with `receiverId`.',
  })
  contactsTold?: ContactsTold;
}

/** The gateway writes CSV and HTML from the JSON of identity. */
export const departuresHandover = operation<HandoverReport, NoBody, HandoverQuery>({
  id: 'departures.handover',
  service: 'identity',
  method: 'GET',
  path: '/v1/departures/:id/handover',
  summary: 'Report what each receiver has got from a leaver, what needs a look and which contacts to call',
  query: HandoverQuery,
  answer: HandoverReport,
  access: 'record-owner-or-manager',
  errors: ['forbidden', 'not-found', 'service-unavailable'],
  custom: true,
  produces: Object.values(HANDOVER_TYPES),
  timeout: 15_000,
});
