/** @typedef {{ publish: string[], subscribe: string[] }} Permissions the subjects that a user of the broker may use */
/** @import { NatsUser } from '#libs/local-servers' */
import { brokerUsers, dataServices, externalServices } from './services.mjs';

/**
 * The answers to a user's own requests. Answering a request needs no permission.
 * @param {string} user
 */
const answersTo = (user) => `_INBOX_${user}.>`;
/** The default reply subjects of NATS clients. */
const ANSWERS = '_INBOX.>';
const EPOCHS = 'session-epochs';

/**
 * Any service may create a stream that the broker has lost, but not change an existing one: that could empty it.
 * @param {string} stream
 */
const streamSetUp = (stream) => ['INFO', 'CREATE'].map((verb) => `$JS.API.STREAM.${verb}.${stream}`);

/**
 * One durable pull consumer.
 * @param {string} stream
 * @param {string} durable
 */
const consumer = (stream, durable) => [
  `$JS.API.CONSUMER.CREATE.${stream}.${durable}.>`,
  `$JS.API.CONSUMER.CREATE.${stream}.${durable}`,
  `$JS.API.CONSUMER.DURABLE.CREATE.${stream}.${durable}`,
  `$JS.API.CONSUMER.INFO.${stream}.${durable}`,
  `$JS.API.CONSUMER.MSG.NEXT.${stream}.${durable}`,
  `$JS.ACK.${stream}.${durable}.>`,
];

/** Reads and watches the bucket of session epochs, without writing to it. */
const epochWatch = [
  ...streamSetUp(`KV_${EPOCHS}`),
  `$JS.API.CONSUMER.CREATE.KV_${EPOCHS}.>`,
  `$JS.API.CONSUMER.DELETE.KV_${EPOCHS}.>`,
  `$JS.API.CONSUMER.INFO.KV_${EPOCHS}.>`,
  `$JS.API.CONSUMER.MSG.NEXT.KV_${EPOCHS}.>`,
  `$JS.API.DIRECT.GET.KV_${EPOCHS}.>`,
  `$JS.API.STREAM.MSG.GET.KV_${EPOCHS}`,
  `$JS.ACK.KV_${EPOCHS}.>`,
  `$JS.FC.KV_${EPOCHS}.>`,
];

/** The bucket in which the gateways count together. */
const LIMITS = 'rate-limits';
const counting = [
  ...streamSetUp(`KV_${LIMITS}`),
  `$JS.API.DIRECT.GET.KV_${LIMITS}.>`,
  `$JS.API.STREAM.MSG.GET.KV_${LIMITS}`,
  `$KV.${LIMITS}.>`,
];

/** @param {string} service */
const own = (service) => [answersTo(service), `rpc.${service}.>`, `lifecycle.${service}.>`];

/** Signals that a departure has made progress. */
const PROGRESS = 'progress.departure.*';

/**
 * Only identity publishes events about users, asks for previews and proofs, ends sessions, requests mail and purges the events
 * of deleted users.
 */
const identity = {
  publish: [
    'user.>',
    'departure.>',
    PROGRESS,
    'mail.requested',
    'lifecycle.>',
    'rpc.>',
    `$KV.${EPOCHS}.>`,
    '$JS.API.>',
    '$JS.ACK.>',
    '$JS.FC.>',
  ],
  subscribe: own('identity'),
};

/** The gateway forwards requests and answers none. */
const gateway = {
  publish: ['rpc.>', '$JS.API.INFO', ...epochWatch, ...counting],
  subscribe: [answersTo('gateway'), PROGRESS],
};

/**
 * The operations that a service calls in its own name. Only the gateway calls on behalf of users.
 * @type {Record<string, string[]>}
 */
const ownCalls = {
  messaging: ['rpc.identity.account.get', 'rpc.contacts.recipients', 'rpc.telephony.calls.inbound'],
  telephony: ['rpc.contacts.moved'],
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
  publish: [
    `departure.receipt.${service}`,
    'rpc.identity.rules.declare',
    'rpc.identity.directory.snapshot',
    'rpc.identity.directory.lookup',
    ...(ownCalls[service] ?? []),
    ...(ownConsumers[service] ?? []),
    '$JS.API.INFO',
    ...streamSetUp('USERS'),
    ...streamSetUp('DEPARTURES'),
    ...consumer('USERS', `${service}-users`),
  ],
  subscribe: own(service),
});

/**
 * A durable pull consumer of events about departures. Its filter is part of the subject that creates it: receipts, which are in the
 * same stream, have subjects of another length. So there is no permission for a consumer with several filters or without one.
 * @param {string} durable
 */
const departureConsumer = (durable) => [
  `$JS.API.CONSUMER.CREATE.DEPARTURES.${durable}.departure.*.*.*`,
  `$JS.API.CONSUMER.INFO.DEPARTURES.${durable}`,
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
  publish: ['$JS.API.INFO', ...consumer('USERS', name), ...departureConsumer(name)],
  subscribe: [answersTo(name)],
});

/** The subscriber that every installation has. Programs written for 0.1 use the default inbox of NATS clients. */
const subscriber = { ...subscriberOf('subscriber'), subscribe: [answersTo('subscriber'), ANSWERS] };

/** The operator lists and replays dead letters, looks for drift, and has services catch up. */
const operator = {
  publish: [
    'lifecycle.*.dead-letters',
    'lifecycle.*.replay',
    'lifecycle.*.known-people',
    'lifecycle.identity.catch-up',
    'lifecycle.identity.retire-service',
    'lifecycle.identity.services',
    'lifecycle.identity.raise-versions',
    'lifecycle.identity.rotate-signing-key',
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
  const own = brokerUsers.map((name) => {
    const password = passwords[name];
    const allowed = permissions[name];
    if (!password || !allowed) throw new Error(`The broker's user ${name} lacks a password or permissions.`);
    return { name, password, ...allowed };
  });
  const added = Object.entries(subscribers).map(([name, password]) => {
    if (brokerUsers.includes(name)) throw new Error(`The broker's user ${name} is both a service and a subscriber.`);
    return { name, password, ...subscriberOf(name) };
  });
  return [...own, ...added];
};
