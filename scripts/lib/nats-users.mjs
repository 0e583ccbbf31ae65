import { dataServices, guests } from './services.mjs';

/** Answers to one's own questions, and to nobody else's. What a service is asked it may answer without a permission. */
const answersTo = (user) => `_INBOX_${user}.>`;
/** Where NATS clients that are not told better have their answers sent: for programs of others alone. */
const ANSWERS = '_INBOX.>';
const EPOCHS = 'session-epochs';

/** Any service may have to make a stream again that the broker lost. One that is there it can't change, or it could empty it. */
const streamSetUp = (stream) => ['INFO', 'CREATE'].map((verb) => `$JS.API.STREAM.${verb}.${stream}`);

/** A durable pull consumer of its own, and no other. */
const consumer = (stream, durable) => [
  `$JS.API.CONSUMER.CREATE.${stream}.${durable}.>`,
  `$JS.API.CONSUMER.CREATE.${stream}.${durable}`,
  `$JS.API.CONSUMER.DURABLE.CREATE.${stream}.${durable}`,
  `$JS.API.CONSUMER.INFO.${stream}.${durable}`,
  `$JS.API.CONSUMER.MSG.NEXT.${stream}.${durable}`,
  `$JS.ACK.${stream}.${durable}.>`,
];

/** Reads the bucket of session epochs and watches it, but can't write into it. */
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

const own = (service) => [answersTo(service), `rpc.${service}.>`, `lifecycle.${service}.>`];

/** Says that a departure has gone on. */
const PROGRESS = 'progress.departure.*';

/**
 * identity alone states facts about users, asks for previews and proofs, ends sessions, asks for mail to be sent and purges
 * what must be forgotten.
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

/** The gateway hands requests on; nobody asks it anything. */
const gateway = {
  publish: ['rpc.>', '$JS.API.INFO', ...epochWatch],
  subscribe: [answersTo('gateway'), PROGRESS],
};

/** What a service asks others in its own name; calls on behalf of somebody are the gateway's alone. */
const asks = {
  messaging: ['rpc.identity.account.get', 'rpc.contacts.recipients', 'rpc.telephony.calls.inbound'],
  telephony: ['rpc.contacts.moved'],
};

/** What a service hears besides the events of users, by a durable consumer of its own. */
const hears = { integrations: consumer('DEPARTURES', 'integrations-departures') };

/**
 * Owns rules: hears about users, answers with receipts, tells identity its rules and asks it who is who. All of it follows
 * from the name, for services of other teams as for ours.
 */
export const ruleOwner = (service) => ({
  publish: [
    `departure.receipt.${service}`,
    'rpc.identity.rules.declare',
    'rpc.identity.directory.snapshot',
    'rpc.identity.directory.lookup',
    ...(asks[service] ?? []),
    ...(hears[service] ?? []),
    '$JS.API.INFO',
    ...streamSetUp('USERS'),
    ...streamSetUp('DEPARTURES'),
    ...consumer('USERS', `${service}-users`),
  ],
  subscribe: own(service),
});

/** Somebody else's program that wants to hear about users: reads the events, by one durable consumer, and nothing more. */
const subscriber = { publish: ['$JS.API.INFO', ...consumer('USERS', 'subscriber')], subscribe: [ANSWERS] };

/** Asks services what they have given up on and whom they know, and has them try again or catch up. */
const operator = {
  publish: [
    'lifecycle.*.dead-letters',
    'lifecycle.*.replay',
    'lifecycle.*.known-people',
    'lifecycle.identity.catch-up',
    'lifecycle.identity.raise-versions',
    'lifecycle.identity.rotate-signing-key',
  ],
  subscribe: [answersTo('operator')],
};

/** What each service may do on the broker; everything else is refused there. */
export const permissions = {
  gateway,
  identity,
  subscriber,
  operator,
  ...Object.fromEntries(
    [...dataServices, ...guests]
      .filter((service) => service !== 'identity')
      .map((service) => [service, ruleOwner(service)]),
  ),
};
