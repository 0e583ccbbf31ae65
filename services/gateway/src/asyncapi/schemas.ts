import {
  ACTIONS,
  CompletedDeparture,
  DepartureNews,
  PRESETS,
  RESTORE,
  schemaOf,
  TRANSITIONS,
  USER_EVENTS,
  USER_STATUSES,
  type CloudEvent,
  type Conversion,
  type DepartureFacts,
  type MailRequest,
  type Profile,
  type Receipt,
  type ReceiptBatch,
  type ReceiptLine,
  type ResolvedAction,
  type ResolvedPolicy,
  type Schema,
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
 * The schema of a type of the contracts. The compiler holds the two together: every field has to be described here, and
 * those that may be left out are named as such.
 */
const describing = <T>(properties: { [K in keyof T]-?: Schema }, optional: { [K in Optional<T>]: true }): Schema => ({
  type: 'object',
  properties,
  required: Object.keys(properties).filter((name) => !(name in optional)),
});

const action = { action: oneOf(ACTIONS), days: count, scope: oneOf(['all', 'installed-by-leaver']), to: id };
const maybeAction = { days: true, scope: true, to: true } as const;

const profile = describing<Profile>(
  {
    name: about('Null for somebody deleted.', orNull(text)),
    staffId: orNull(text),
    status: oneOf(USER_STATUSES),
    isManager: flag,
    teamIds: ids,
    createdAt: moment,
    redactionLabel: about('How the account shows a deleted user.', oneOf(['plain', 'with-id'])),
    legalHold: flag,
    caretakerId: about('Who manages this user’s inbox meanwhile.', orNull(id)),
    caretakerUntil: orNull(moment),
  },
  { caretakerId: true, caretakerUntil: true },
);

const policy = describing<ResolvedPolicy>(
  {
    preset: oneOf(PRESETS),
    version: count,
    rules: about('By rule id and transition: what is to happen.', {
      type: 'object',
      additionalProperties: {
        type: 'object',
        properties: Object.fromEntries(TRANSITIONS.map((transition) => [transition, of('Action')])),
      },
    }),
  },
  {},
);

const departure = describing<DepartureFacts>(
  {
    id,
    steps: about('Rules to apply, in this order; none for a reactivation.', {
      type: 'array',
      items: oneOf(TRANSITIONS),
    }),
    activeSince: about('The lifecycle version at which the person last became active.', count),
    wasManager: flag,
    policy: of('Policy'),
    addressDigest: about('In `user.deleted`: by it an email address entered by hand is found.', text),
    conversion: of('Conversion'),
    restore: about('In `user.reactivated`: what is brought back.', {
      oneOf: [oneOf(['all']), { type: 'array', items: text }],
    }),
    round: about('Goes up when a failed departure is retried.', count),
  },
  { addressDigest: true, conversion: true, restore: true },
);

const conversion = describing<Conversion>({ inboxId: id, name: text, memberIds: ids }, {});

const userEvent = describing<UserEventData>(
  {
    accountId: id,
    userId: id,
    seq: about('Counts every event of the user: the newest profile wins.', count),
    lifecycleVersion: about('Counts changes of status: ignore what is not higher than the one applied.', count),
    profile: of('Profile'),
    departure: of('DepartureFacts'),
  },
  { departure: true },
);

const receiptLine = describing<ReceiptLine>(
  {
    rule: text,
    part: text,
    transition: oneOf([...TRANSITIONS, 'reactivated']),
    ...action,
    action: oneOf([...ACTIONS, RESTORE]),
    affected: count,
    notRestored: count,
    transferredTo: id,
    dueAt: moment,
    heldAt: moment,
    doneAt: moment,
    warning: text,
    remaining: orNull(count),
    finishedAt: orNull(moment),
  },
  {
    ...maybeAction,
    part: true,
    notRestored: true,
    transferredTo: true,
    dueAt: true,
    heldAt: true,
    doneAt: true,
    warning: true,
  },
);

const receipt = describing<Receipt>(
  {
    accountId: id,
    userId: id,
    type: oneOf(USER_EVENTS),
    seq: count,
    lifecycleVersion: count,
    departureId: id,
    round: count,
    status: oneOf(['running', 'completed', 'failed', 'superseded']),
    error: about('A code, never a text with data in it.', text),
    rules: { type: 'array', items: of('ReceiptLine') },
  },
  { departureId: true, error: true },
);

/** CloudEvents 1.0, structured mode, of one type. */
export function cloudEvent(type: string, data: Schema): Schema {
  return describing<CloudEvent<unknown>>(
    {
      specversion: { type: 'string', const: '1.0' },
      id: about('The same for a repetition.', text),
      source: text,
      type: { type: 'string', const: type },
      subject: text,
      time: moment,
      datacontenttype: { type: 'string', const: 'application/json' },
      traceparent: about('W3C trace context of the request that caused it.', text),
      data,
    },
    { traceparent: true },
  );
}

/** A change of status says what has been decided. */
export const lifecycleData: Schema = { allOf: [of('UserEventData'), { type: 'object', required: ['departure'] }] };
export const profileData: Schema = of('UserEventData');
export const completedData: Schema = of('CompletedDeparture');
export const newsData: Schema = of('DepartureNews');

export const EVENT_SCHEMAS: Record<string, Schema> = {
  UserEventData: userEvent,
  Profile: profile,
  DepartureFacts: departure,
  Policy: policy,
  Action: describing<ResolvedAction>(action, maybeAction),
  Conversion: conversion,
  CompletedDeparture: {
    ...schemaOf(CompletedDeparture),
    additionalProperties: undefined,
  },
  DepartureNews: { ...schemaOf(DepartureNews), additionalProperties: undefined },
  ReceiptBatch: describing<ReceiptBatch>({ service: text, receipts: { type: 'array', items: of('Receipt') } }, {}),
  Receipt: receipt,
  ReceiptLine: receiptLine,
  MailRequest: describing<MailRequest>(
    {
      kind: oneOf(['invitation', 'password-reset']),
      to: { type: 'string', format: 'email' },
      token: text,
      expiresAt: moment,
    },
    {},
  ),
};
