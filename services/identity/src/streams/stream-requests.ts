import { jetstreamManager } from '@nats-io/jetstream';
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { DEPARTURES, ensureStream, isReplyAddress, NATS, openBucket, replicasOf, STREAMS, USERS } from '#libs/broker';
import { RATE_LIMIT_BUCKET } from '#libs/contracts';
import { Log, safeErrorFields } from '#libs/observability';
import { refusalOf, type ConsumerRequest } from './consumer-config.js';

const STREAM_CREATE = '$JS.API.STREAM.CREATE.';
const CONSUMER_CREATE = /^\$JS\.API\.CONSUMER\.(?:DURABLE\.)?CREATE\.([^.]+)\.([^.]+)/;
const SUBJECTS = [`${STREAM_CREATE}*`, '$JS.API.CONSUMER.CREATE.>', '$JS.API.CONSUMER.DURABLE.CREATE.>'];
const TIMEOUT_MS = 2_000;

type Answer = object | Uint8Array;

/**
 * Answers the requests of services and subscribers to create streams and consumers, in place of JetStream, which is in an account
 * that only identity can reach. Standard client libraries work as usual. The broker's permissions decide who may ask for which
 * consumer; streams always get the configuration of this release.
 */
@Injectable()
export class StreamRequests implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private open: Subscription[] = [];

  constructor(
    @Inject(NATS) private readonly nats: NatsConnection,
    @Inject(STREAMS) private readonly streams: NatsConnection,
    private readonly log: Log,
  ) {}

  onApplicationBootstrap(): void {
    // On a broker with one account JetStream itself answers.
    if (this.streams === this.nats) return;
    const callback = (error: Error | null, message: Msg) => {
      if (error || !isReplyAddress(message.reply)) return;
      // Without an answer the requester asks again.
      this.answer(message)
        .then((answer) => message.respond(answer instanceof Uint8Array ? answer : JSON.stringify(answer)))
        .catch((fault: unknown) =>
          this.log.warn(
            { subject: message.subject, ...safeErrorFields(fault) },
            'request for a stream was not answered',
          ),
        );
    };
    this.open = SUBJECTS.map((subject) => this.nats.subscribe(subject, { queue: 'identity', callback }));
  }

  async beforeApplicationShutdown(): Promise<void> {
    // On a lost connection no further requests arrive.
    await Promise.all(this.open.map((subscription) => subscription.drain().catch(() => undefined)));
  }

  private async answer({ subject, data }: Msg): Promise<Answer> {
    if (subject.startsWith(STREAM_CREATE)) return this.createStream(subject.slice(STREAM_CREATE.length));
    const [, stream = '', name = ''] = CONSUMER_CREATE.exec(subject) ?? [];
    const config = configIn(data);
    const refusal = config ? refusalOf(stream, name, config) : 'the request has no configuration';
    if (refusal) return refused(refusal);
    // Without an action JetStream creates the consumer or updates it.
    return this.request(subject, JSON.stringify({ stream_name: stream, config }));
  }

  private async createStream(name: string): Promise<Answer> {
    const spec = [USERS, DEPARTURES].find((known) => known.name === name);
    if (spec) {
      const manager = await jetstreamManager(this.streams, { checkAPI: false, timeout: TIMEOUT_MS });
      await ensureStream(manager, spec, replicasOf(this.streams));
    } else if (name === `KV_${RATE_LIMIT_BUCKET.name}`) await openBucket(this.streams, RATE_LIMIT_BUCKET, TIMEOUT_MS);
    else return refused('no such stream');
    return this.request(`$JS.API.STREAM.INFO.${name}`, '');
  }

  private async request(subject: string, body: string): Promise<Uint8Array> {
    return (await this.streams.request(subject, body, { timeout: TIMEOUT_MS })).data;
  }
}

const refused = (description: string) => ({ error: { code: 400, err_code: 10003, description } });

function configIn(data: Uint8Array): ConsumerRequest | undefined {
  try {
    const request: unknown = JSON.parse(new TextDecoder().decode(data));
    const config = (request as { config?: unknown } | null)?.config;
    return typeof config === 'object' && config !== null ? (config as ConsumerRequest) : undefined;
  } catch {
    return undefined;
  }
}
