import {
  ACTIONS,
  ApprovalNews,
  CompletedDeparture,
  dataSchema,
  DepartureNews,
  PRESETS,
  RESTORE,
  schemaOf,
  APPLIED_TRANSITIONS,
  TEAM_WAYS,
  USER_EVENTS,
  USER_STATUSES,
  type CloudEvent,
  type Conversion,
  type Telling,
  type DepartureFacts,
  type EventDataName,
  type Profile,
  type Receipt,
  type ReceiptBatch,
  type ReceiptLine,
  type ReceivedRows,
  type ResolvedAction,
  type ReceiptFailure,
  type ResolvedPolicy,
  type Schema,
  type StepFailure,
  type TeamSuccessor,
  type UserEventData,
} from '#libs/contracts';

const id: Schema = { type: 'string', format: 'uuid' };
const moment: Schema = { type: 'string', format: 'date-time' };
const text: Schema = { type: 'string' };
const count: Schema = { type: 'integer', minimum: 0 };
const flag: Schema = { type: 'boolean' };
const ids: Schema = { type: 'array', items: id };

const oneOf = (values: readonly string[]): Schema => ({ type: 'string', enum: [...values] });
const orNull = ({ type, ...schema }: Schema): Schema => ({ ...schema, type: [type, 'null'] });
const of = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
const about = (description: string, schema: Schema): Schema => ({ ...schema, description });

type Optional<T> = { [K in keyof T]-?: object extends Pick<T, K> ? K : never }[keyof T];

/**
 * Builds the schema of a contract type. The compiler checks it: every field must be described, and every optional field
 * must be listed as optional.
 */
const schemaFor = <T>(properties: { [K in keyof T]-?: Schema }, optional: { [K in Optional<T>]: true }): Schema => ({
  type: 'object',
  properties,
  required: Object.keys(properties).filter((name) => !(name in optional)),
});

const action = { action: oneOf(ACTIONS), days: count, scope: oneOf(['all', 'installed-by-leaver']), to: id };
const maybeAction = { days: true, scope: true, to: true } as const;
const team = schemaFor<TeamSuccessor>({ id, by: oneOf(TEAM_WAYS) }, {});
const resolvedAction = {
  ...action,
  to: about('The user who gets the rows. With `team` one of its members, for services that do not know teams.', id),
  team: about('The team whose active members share the rows.', team),
  namedBy: about('How the request has named the user, unless by the id alone.', oneOf(['user', 'manager'])),
};
const maybeResolved = { ...maybeAction, team: true, namedBy: true } as const;

const profile = schemaFor<Profile>(
  {
    name: about('Null for a deleted user.', orNull(text)),
    staffId: orNull(text),
    status: oneOf(USER_STATUSES),
    isManager: flag,
    teamIds: ids,
    createdAt: moment,
    redactionLabel: about('How the account shows a deleted user.', oneOf(['plain', 'with-id'])),
    legalHold: flag,
    caretakerId: about('The user who manages this user’s inbox meanwhile.', orNull(id)),
    caretakerUntil: orNull(moment),
    suspendedAt: about('Since when the user is suspended: let in nowhere, while nothing else changes.', orNull(moment)),
  },
  { caretakerId: true, caretakerUntil: true, suspendedAt: true },
);

const policy = schemaFor<ResolvedPolicy>(
  {
    preset: oneOf(PRESETS),
    version: count,
    rules: about('The action by rule id and transition.', {
      type: 'object',
      additionalProperties: {
        type: 'object',
        properties: Object.fromEntries(APPLIED_TRANSITIONS.map((transition) => [transition, of('Action')])),
      },
    }),
  },
  {},
);

const departure = schemaFor<DepartureFacts>(
  {
    id,
    steps: about(
      'Transitions whose rules apply, in this order; a reactivation has none of its own. A decision that supersedes a ' +
        'take-over also has `transferred`; a reassignment has `reassigned`.',
      { type: 'array', items: oneOf(APPLIED_TRANSITIONS) },
    ),
    takenOverAt: about('The lifecycle version of the take-over whose step this decision has inherited.', count),
    activeSince: about('The lifecycle version at which the user last became active.', count),
    wasManager: flag,
    policy: of('Policy'),
    hasAddress: about('In `user.deleted`: the user had an email address. The event does not carry it in any form.', {
      type: 'boolean',
      const: true,
    }),
    firstAdminId: about(
      'In `user.deactivated` and `user.deleted`: the first admin, who takes over where no successor is named.',
      id,
    ),
    conversion: of('Conversion'),
    restore: about('In `user.reactivated`: what to restore.', {
      oneOf: [oneOf(['all']), { type: 'array', items: text }],
    }),
    tellContacts: of('Telling'),
    round: about('Incremented when a failed departure is retried.', count),
  },
  { takenOverAt: true, hasAddress: true, firstAdminId: true, conversion: true, restore: true, tellContacts: true },
);

/** The messaging service sends it. */
const telling = schemaFor<Telling>({ text, alternativeNumber: text }, { alternativeNumber: true });

const conversion = schemaFor<Conversion>({ inboxId: id, name: text, memberIds: ids }, {});

const userEvent = schemaFor<UserEventData>(
  {
    accountId: id,
    userId: id,
    seq: about('Counts every event of the user. The profile with the highest `seq` is current.', count),
    lifecycleVersion: about(
      'Counts changes of status, take-overs and reassignments. Ignore an event whose version is not higher than the one applied.',
      count,
    ),
    profile: of('Profile'),
    departure: of('DepartureFacts'),
  },
  { departure: true },
);

const failure = {
  error: about('An error code or SQLSTATE.', text),
  sqlState: text,
  table: text,
  constraint: text,
  attempts: about('Failed tries so far.', count),
  nextTryAt: about('Absent after the last try.', moment),
};
const maybeFailure = { sqlState: true, table: true, constraint: true, nextTryAt: true } as const;

const receiptLine = schemaFor<ReceiptLine>(
  {
    rule: text,
    part: text,
    transition: oneOf([...APPLIED_TRANSITIONS, 'reactivated']),
    ...action,
    action: oneOf([...ACTIONS, RESTORE]),
    affected: count,
    notRestored: count,
    transferredTo: id,
    receivers: { type: 'array', items: schemaFor<ReceivedRows>({ userId: id, affected: count }, {}) },
    dueAt: moment,
    heldAt: moment,
    doneAt: moment,
    warning: text,
    remaining: orNull(count),
    finishedAt: orNull(moment),
    failure: of('StepFailure'),
  },
  {
    ...maybeAction,
    part: true,
    notRestored: true,
    transferredTo: true,
    receivers: true,
    dueAt: true,
    heldAt: true,
    doneAt: true,
    warning: true,
    failure: true,
  },
);

const receipt = schemaFor<Receipt>(
  {
    accountId: id,
    userId: id,
    type: oneOf(USER_EVENTS),
    seq: count,
    lifecycleVersion: count,
    departureId: id,
    round: count,
    status: oneOf(['running', 'completed', 'failed', 'superseded']),
    error: about('An error code without personal data.', text),
    failure: of('ReceiptFailure'),
    rules: { type: 'array', items: of('ReceiptLine') },
  },
  { departureId: true, error: true, failure: true },
);

/**
 * The schema of a CloudEvents 1.0 event of one type, in structured mode.
 * @param extensions optional attributes of this type only
 */
export function cloudEvent(
  type: string,
  data: Schema,
  { schema: name, extensions = {} }: { schema: EventDataName; extensions?: Record<string, Schema> },
): Schema {
  const { properties, ...schema } = schemaFor<CloudEvent<unknown>>(
    {
      specversion: { type: 'string', const: '1.0' },
      id: about('The same when an event is repeated.', text),
      source: text,
      type: { type: 'string', const: type },
      subject: text,
      time: moment,
      datacontenttype: { type: 'string', const: 'application/json' },
      dataschema: about(`The schema \`${name}\` of this document, and its version.`, {
        type: 'string',
        format: 'uri',
        const: dataSchema(name),
      }),
      traceparent: about('W3C trace context of the request that caused the event.', text),
      data,
    },
    { traceparent: true },
  );
  return { ...schema, properties: { ...(properties as Record<string, Schema>), ...extensions } };
}

export const tombstone: Schema = about(
  'This event has replaced all earlier ones of the user, because the deletion is complete: the same decision without personal detail.',
  { type: 'boolean', const: true },
);

/** A change of status always includes the decision as `departure`. */
export const lifecycleData: Schema = { allOf: [of('UserEventData'), { type: 'object', required: ['departure'] }] };
export const profileData: Schema = of('UserEventData');
export const completedData: Schema = of('CompletedDeparture');
export const newsData: Schema = of('DepartureNews');

export const EVENT_SCHEMAS: Record<string, Schema> = {
  UserEventData: userEvent,
  Profile: profile,
  DepartureFacts: departure,
  Policy: policy,
  Action: schemaFor<ResolvedAction>(resolvedAction, maybeResolved),
  Conversion: conversion,
  Telling: telling,
  CompletedDeparture: {
    ...schemaOf(CompletedDeparture),
    additionalProperties: undefined,
  },
  DepartureNews: { ...schemaOf(DepartureNews), additionalProperties: undefined },
  ApprovalNews: { ...schemaOf(ApprovalNews), additionalProperties: undefined },
  ReceiptBatch: schemaFor<ReceiptBatch>({ service: text, receipts: { type: 'array', items: of('Receipt') } }, {}),
  Receipt: receipt,
  ReceiptLine: receiptLine,
  StepFailure: schemaFor<StepFailure>(failure, maybeFailure),
  ReceiptFailure: schemaFor<ReceiptFailure>(
    { ...failure, rule: text, part: text },
    { ...maybeFailure, rule: true, part: true },
  ),
};
