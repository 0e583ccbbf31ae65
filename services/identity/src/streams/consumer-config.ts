import { ANY_DEPARTURE_EVENT, DEPARTURES_STREAM, FORMER_DEPARTURE_EVENTS } from '#libs/contracts';

/** A consumer's configuration as JetStream's API has it. */
export type ConsumerRequest = Record<string, unknown>;

const START = ['deliver_policy', 'opt_start_seq', 'opt_start_time', 'replay_policy'];
const COMMON = ['name', 'description', 'metadata', 'num_replicas', 'headers_only', 'inactive_threshold', 'max_deliver'];
const PULLED = ['durable_name', 'ack_policy', 'ack_wait', 'backoff', 'max_ack_pending', 'max_waiting', 'max_batch'];
const LIMITS = ['max_expires', 'max_bytes'];
const FILTERS = ['filter_subject', 'filter_subjects'];
/** `departure.*.*.*` and narrower ones. Receipts have subjects with one part less. */
const DEPARTURE_EVENTS = /^departure(\.[^.>\s]+){3}$/;

/**
 * Why a consumer with this configuration is not created; undefined if it is. A consumer that delivers to a subject of the
 * requester's choice could forge events and requests to JetStream, so all consumers are pulled.
 */
export function refusalOf(stream: string, name: string, config: ConsumerRequest): string | undefined {
  const allowed = [...COMMON, ...START, ...FILTERS, ...PULLED, ...LIMITS];
  const unknown = Object.keys(config).find((key) => isSet(config[key]) && !allowed.includes(key));
  if (unknown) return `${unknown} is not allowed`;
  if ((config.durable_name ?? config.name ?? name) !== name || (config.name ?? name) !== name)
    return 'the name does not match the subject';
  if (config.ack_policy !== 'explicit') return 'ack_policy has to be explicit';
  return stream === DEPARTURES_STREAM && !filtersOf(config).every(isOfDepartureEvents)
    ? `filter_subject has to be ${ANY_DEPARTURE_EVENT} or narrower`
    : undefined;
}

const isOfDepartureEvents = (filter: unknown): boolean =>
  filter === FORMER_DEPARTURE_EVENTS || DEPARTURE_EVENTS.test(String(filter));

/** Without a filter, the consumer receives everything. */
function filtersOf({ filter_subject: one, filter_subjects: several }: ConsumerRequest): unknown[] {
  const filters = [...(isSet(one) ? [one] : []), ...(Array.isArray(several) ? (several as unknown[]) : [])];
  return filters.length > 0 ? filters : ['>'];
}

const isSet = (value: unknown): boolean => value !== undefined && value !== null && value !== '' && value !== false;
