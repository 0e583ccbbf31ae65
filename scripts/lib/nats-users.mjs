/** @import { NatsUser } from '#libs/local-servers' */
/**
 * What a user of the broker may do: the subjects it may use in its account, and whether it may answer requests.
 * @typedef {Pick<NatsUser, 'publish' | 'subscribe' | 'answers'> & { account: string }} Permissions
 */
import { ACCOUNTS, COUNTERS, counting } from './nats-accounts.mjs';
import { dataServices, externalServices } from './services.mjs';

/**
 * The answers to a user's own requests. Answering a request needs no permission.
 * @param {string} user
 */
const answersTo = (user) => `_INBOX_${user}.>`;
/** The default reply subjects of NATS clients. */
const ANSWERS = '_INBOX.>';
/** The name of identity's second user, as `connectStreams` in `libs/broker` builds it. */
const IDENTITY_STREAMS = 'identity-streams';
/** Ended sessions, several messages a second. */
const SESSION_ENDS = 'session.ended';
/** Entries of the bucket that gateways of 0.1 watch. */
const FORMER_SESSION_ENDS = '$KV.session-epochs.>';

/**
 * Asks identity to create the stream if it is missing. The subject is JetStream's, but no service reaches JetStream with it.
 * @param {string} stream
 */
const streamSetUp = (stream) => `$JS.API.STREAM.CREATE.${stream}`;

/**
 * Asks identity for one durable pull consumer, pulls from it and acknowledges.
 * @param {string} stream
 * @param {string} durable
 */
const consumer = (stream, durable) => [
  `$JS.API.CONSUMER.CREATE.${stream}.${durable}.>`,
  `$JS.API.CONSUMER.CREATE.${stream}.${durable}`,
  `$JS.API.CONSUMER.DURABLE.CREATE.${stream}.${durable}`,
  `$JS.API.CONSUMER.MSG.NEXT.${stream}.${durable}`,
  `$JS.ACK.${stream}.${durable}.>`,
];

/** @param {string} service */
const own = (service) => [answersTo(service), `rpc.${service}.>`, `lifecycle.${service}.>`];

/** What every service asks identity in order to verify tokens. */
const VERIFICATION = ['tokens.keys', 'tokens.authenticate', 'sessions.snapshot'].map((ask) => `rpc.identity.${ask}`);

/** Signals that a departure has made progress. */
const PROGRESS = 'progress.departure.*';

/**
 * Only identity asks for previews and proofs, requests mail, signals progress and creates streams and consumers.
 * @type {Permissions}
 */
const identity = {
  account: ACCOUNTS.services,
  publish: [PROGRESS, 'mail.requested', 'lifecycle.>', 'rpc.>', SESSION_ENDS],
  subscribe: [
    ...own('identity'),
    SESSION_ENDS,
    '$JS.API.STREAM.CREATE.*',
    '$JS.API.CONSUMER.CREATE.>',
    '$JS.API.CONSUMER.DURABLE.CREATE.>',
  ],
  answers: true,
};

/**
 * The second connection of identity, with identity's password: it publishes events about users, reads receipts and purges
 * the events of deleted users.
 * @type {Permissions}
 */
const identityStreams = {
  account: ACCOUNTS.streams,
  publish: ['user.>', 'departure.>', 'audit.>', FORMER_SESSION_ENDS, '$JS.API.>', '$JS.ACK.>', '$JS.FC.>'],
  subscribe: [answersTo(IDENTITY_STREAMS)],
};

/**
 * The gateway forwards requests and answers none.
 * @type {Permissions}
 */
const gateway = {
  account: ACCOUNTS.services,
  publish: ['rpc.>', '$JS.API.INFO', streamSetUp(COUNTERS), ...counting],
  subscribe: [answersTo('gateway'), PROGRESS, SESSION_ENDS],
};

/**
 * The operations that a service calls in its own name. Calls to the audit trail name who has read what. Only the gateway
 * calls on behalf of users.
 * @type {Record<string, string[]>}
 */
const ownCalls = {
  messaging: [
    'rpc.identity.account.get',
    'rpc.identity.audit.record-access',
    'rpc.contacts.recipients',
    'rpc.telephony.calls.inbound',
  ],
  telephony: ['rpc.contacts.moved', 'rpc.contacts.returnable'],
};

/**
 * Durable consumers besides the one for the events of users.
 * @type {Record<string, string[]>}
 */
const ownConsumers = {
  integrations: [
    ...consumer('DEPARTURES', 'integrations-departures'),
    ...consumer('DEPARTURES', 'integrations-departure-events'),
  ],
};

/**
 * The permissions of a service that owns rules: it receives the events of users, answers with receipts, declares its rules to
 * identity and reads the directory of users. They follow from its name, for services of other teams, too.
 * @param {string} service
 * @returns {Permissions}
 */
export const ruleOwner = (service) => ({
  account: ACCOUNTS.services,
  publish: [
    `departure.receipt.${service}`,
    `rpc.identity.rules.declare.${service}`,
    'rpc.identity.directory.snapshot',
    'rpc.identity.directory.lookup',
    ...VERIFICATION,
    ...(ownCalls[service] ?? []),
    ...(ownConsumers[service] ?? []),
    streamSetUp('USERS'),
    streamSetUp('DEPARTURES'),
    ...consumer('USERS', `${service}-users`),
  ],
  subscribe: [...own(service), SESSION_ENDS],
  answers: true,
});

/**
 * A durable pull consumer of events about departures. Its filter is part of the subject that creates it: receipts, which are in the
 * same stream, have subjects of another length. So there is no permission for a consumer with several filters or without one.
 * @param {string} durable
 */
const departureConsumer = (durable) => [
  `$JS.API.CONSUMER.CREATE.DEPARTURES.${durable}.departure.*.*.*`,
  `$JS.API.CONSUMER.MSG.NEXT.DEPARTURES.${durable}`,
  `$JS.ACK.DEPARTURES.${durable}.>`,
];

/**
 * The permissions of a program that subscribes to the events: one durable consumer on each stream, both under the subscriber's
 * name, and an inbox that no other subscriber can read.
 * @param {string} name
 * @returns {Permissions}
 */
export const subscriberOf = (name) => ({
  account: ACCOUNTS.subscribers,
  publish: [
    '$JS.API.INFO',
    ...['USERS', 'DEPARTURES'].map((stream) => `$JS.API.CONSUMER.INFO.${stream}.${name}`),
    ...consumer('USERS', name),
    ...departureConsumer(name),
  ],
  subscribe: [answersTo(name)],
});

/** The subscriber that every installation has. Programs written for 0.1 use the default inbox of NATS clients. */
const subscriber = { ...subscriberOf('subscriber'), subscribe: [answersTo('subscriber'), ANSWERS] };

/**
 * The operator lists and replays dead letters, looks for drift, has services catch up, and confirms that rules end.
 * @type {Permissions}
 */
const operator = {
  account: ACCOUNTS.services,
  publish: [
    'lifecycle.*.dead-letters',
    'lifecycle.*.replay',
    'lifecycle.*.known-people',
    'lifecycle.identity.catch-up',
    'lifecycle.identity.retire-service',
    'lifecycle.identity.services',
    'lifecycle.identity.confirm-rules',
    'lifecycle.identity.raise-versions',
    'lifecycle.identity.rotate-signing-key',
    'lifecycle.identity.withdraw-signing-key',
    'lifecycle.telephony.confirm-number',
  ],
  subscribe: [answersTo('operator')],
};

/**
 * The permissions of each user of the broker. The broker refuses everything else.
 * @type {Record<string, Permissions>}
 */
export const permissions = {
  gateway,
  identity,
  [IDENTITY_STREAMS]: identityStreams,
  subscriber,
  operator,
  ...Object.fromEntries(
    [...dataServices, ...externalServices]
      .filter((service) => service !== 'identity')
      .map((service) => [service, ruleOwner(service)]),
  ),
};

/**
 * The broker's users with their passwords and permissions.
 * @param {Record<string, string>} passwords by user
 * @param {Record<string, string>} [subscribers] passwords of further subscribers, by name
 * @returns {NatsUser[]}
 */
export const natsUsers = (passwords, subscribers = {}) => {
  const own = Object.entries(permissions).map(([name, allowed]) => {
    const password = passwords[passwordOwner(name)];
    if (!password) throw new Error(`The broker's user ${name} lacks a password.`);
    return { name, password, ...allowed };
  });
  const added = Object.entries(subscribers).map(([name, password]) => {
    if (permissions[name]) throw new Error(`The broker's user ${name} is both a service and a subscriber.`);
    return { name, password, ...subscriberOf(name) };
  });
  return [...own, ...added];
};

/**
 * The user whose password this user has.
 * @param {string} user
 */
export const passwordOwner = (user) => (user === IDENTITY_STREAMS ? 'identity' : user);
