/**
 * The broker's accounts. A message stays in its account unless the subject is exported and imported here. So a reply subject
 * that a client chooses leads nowhere outside of the client's own account. JetStream answers requests, acknowledgements and
 * pulls with the server's rights, which no permission of the client limits.
 */
export const ACCOUNTS = /** @type {const} */ ({
  /** JetStream with all streams. Its only user is a second connection of identity. */
  streams: 'STREAMS',
  /** The services and the operator. */
  services: 'SERVICES',
  /** Programs of other teams that read events. */
  subscribers: 'SUBSCRIBERS',
});

const EVENTS = ['USERS', 'DEPARTURES'];
const pulls = EVENTS.map((stream) => `$JS.API.CONSUMER.MSG.NEXT.${stream}.*`);
const acks = EVENTS.map((stream) => `$JS.ACK.${stream}.>`);
const consumerInfos = EVENTS.map((stream) => `$JS.API.CONSUMER.INFO.${stream}.*`);
/**
 * While an account imports this subject, the server does not give it the rest of JetStream's API: identity can answer requests
 * to create consumers, and nothing answers the others.
 */
const INFO = '$JS.API.INFO';
/** Requests that identity answers instead of JetStream (`services/identity/src/streams`). */
const created = ['$JS.API.CONSUMER.CREATE.>', '$JS.API.CONSUMER.DURABLE.CREATE.>'];
/** The stream of the bucket in which the gateways count requests. */
export const COUNTERS = 'KV_rate-limits';
/** What reads and writes it. The broker's permissions let only the gateway do so. */
export const counting = [
  `$JS.API.STREAM.INFO.${COUNTERS}`,
  `$JS.API.STREAM.MSG.GET.${COUNTERS}`,
  `$JS.API.DIRECT.GET.${COUNTERS}.>`,
  '$KV.rate-limits.>',
];
const RECEIPTS = 'departure.receipt.*';

const { streams, services, subscribers } = ACCOUNTS;
/** @param {string} subject */
const exported = (subject) => ({
  service: subject,
  // One pull is answered with many messages.
  ...(pulls.includes(subject) && { response_type: 'stream' }),
});
/** @type {(account: string) => (subject: string) => object} */
const importedFrom = (account) => (subject) => ({ service: { account, subject } });

/**
 * What the accounts share with each other, in nats-server's own format.
 * @type {Record<string, object>}
 */
export const accounts = {
  [streams]: {
    jetstream: 'enabled',
    exports: [...[...pulls, ...acks, ...consumerInfos, INFO, ...counting, RECEIPTS].map(exported)],
  },
  [services]: {
    exports: created.map(exported),
    imports: [...[...pulls, ...acks, INFO, ...counting, RECEIPTS].map(importedFrom(streams))],
  },
  [subscribers]: {
    imports: [
      ...[...pulls, ...acks, ...consumerInfos, INFO].map(importedFrom(streams)),
      ...created.map(importedFrom(services)),
    ],
  },
};
