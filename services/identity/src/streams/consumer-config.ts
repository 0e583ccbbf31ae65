import { ANY_DEPARTURE_EVENT, DEPARTURES_STREAM, FORMER_DEPARTURE_EVENTS, SESSION_BUCKET } from '#libs/contracts';

/** A consumer's configuration as JetStream's API has it. */
export type ConsumerRequest = Record<string, unknown>;

const BUCKET_STREAM = `KV_${SESSION_BUCKET.name}`;
/** JetStream pushes entries of the bucket here and nothing anywhere else. */
const GATEWAY_INBOX = '_INBOX_gateway.';
const START = ['deliver_policy', 'opt_start_seq', 'opt_start_time', 'replay_policy'];
const COMMON = ['name', 'description', 'metadata', 'num_replicas', 'headers_only', 'inactive_threshold', 'max_deliver'];
const PULLED = ['durable_name', 'ack_policy', 'ack_wait', 'backoff', 'max_ack_pending', 'max_waiting', 'max_batch'];
const LIMITS = ['max_expires', 'max_bytes'];
const FILTERS = ['filter_subject', 'filter_subjects'];
const PUSHED = ['deliver_subject', 'ack_policy', 'flow_control', 'idle_heartbeat', 'mem_storage'];
/** `departure.*.*.*` and narrower ones. Receipts have subjects with one part less. */
const DEPARTURE_EVENTS = /^departure(\.[^.>\s]+){3}$/;

/**
 * Why a consumer with this configuration is not created; undefined if it is. A consumer that delivers to a subject of the
 * requester's choice could forge events and requests to JetStream, so consumers of events are pulled, and those of the bucket
 * push to the gateway's inbox.
 */
export function refusalOf(stream: string, name: string, config: ConsumerRequest): string | undefined {
  const pushed = stream === BUCKET_STREAM;
  const allowed = [...COMMON, ...START, ...FILTERS, ...(pushed ? PUSHED : [...PULLED, ...LIMITS])];
  const unknown = Object.keys(config).find((key) => isSet(config[key]) && !allowed.includes(key));
  if (unknown) return `${unknown} is not allowed`;
  if ((config.durable_name ?? config.name ?? name) !== name || (config.name ?? name) !== name)
    return 'the name does not match the subject';
  if (pushed)
    return String(config.deliver_subject).startsWith(GATEWAY_INBOX) && !/[*>\s]/.test(String(config.deliver_subject))
      ? undefined
      : 'deliver_subject has to be in the inbox of the gateway';
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
