import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, headers, type NatsConnection } from '@nats-io/transport-node';
import { CALL_SIGNATURE } from '#libs/broker';
import { signerOf } from '#libs/platform/testing';
import { eventually } from '#libs/test-kit';
import { anAccount, signIn, type Cast } from '../support/cast.js';
import { over, type Departure } from '../support/departures.js';
import { EventReader } from '../support/event-reader.js';
import { PARTS } from '../support/foundation.js';
import { System } from '../support/system.js';
import { AuditHeadsWorker } from '../../services/identity/src/audit/heads/audit-heads.worker.js';
import { BrokerUser } from './broker-user.js';
import { jetStreamApi, SERVER_SUBJECTS, targetsOf } from './jetstream-api.js';

const SERVICES = PARTS.map(({ name }) => name).filter((name) => name !== 'identity');
const SUBSCRIBERS = ['subscriber', 'payroll'];
const CALLERS = [...SERVICES, 'billing', 'gateway', 'operator', ...SUBSCRIBERS];
const STREAMS = ['USERS', 'DEPARTURES', 'AUDIT_HEADS'];
/** The bucket in which the gateways count requests. */
const LIMITS = 'KV_rate-limits';

/** Attacks with the credentials of one service, of a subscriber or of the operator, as after a takeover. */
describe('a taken-over service', () => {
  let system: System;
  let cast: Cast;
  let accountId: string;
  let streams: NatsConnection;
  let manager: JetStreamManager;

  beforeAll(async () => {
    system = await System.start({ externalServices: ['billing'], subscribers: ['payroll'] });
    cast = await anAccount(system, 'texting');
    accountId = (await cast.owner.api.get('/v1/account')).id as string;
    const { id } = cast.ada;
    await over(cast.owner.api, await cast.owner.api.post<Departure>(`/v1/users/${id}/deactivate`));
    await system.services.get('identity')!.app.get(AuditHeadsWorker, { strict: false }).drain();
    streams = await open('identity-streams');
    manager = await jetstreamManager(streams, { checkAPI: false });
    const payroll = await EventReader.connect(system.brokerUrl('payroll'));
    await payroll.addConsumer('USERS', 'user.>');
    await payroll.close();
  }, 90_000);
  afterAll(async () => {
    await streams?.close();
    await system?.stop();
  });

  const open = async (name: string): Promise<NatsConnection> => {
    const { host: servers, username: user, password: pass } = new URL(system.brokerUrl(name));
    return connect({ servers, user, pass, inboxPrefix: `_INBOX_${name}`, reconnect: false });
  };
  const durablesOf = (name: string): [stream: string, durable: string][] =>
    SUBSCRIBERS.includes(name)
      ? [
          ['USERS', name],
          ['DEPARTURES', name],
        ]
      : name === 'gateway' || name === 'operator'
        ? []
        : [['USERS', `${name}-users`]];

  /** The streams' configurations and messages by subject, and the consumers of everybody but `name`. */
  const contents = async (name: string) => {
    const found: Record<string, unknown> = {};
    for (const stream of STREAMS) {
      const { config, state, created } = await manager.streams.info(stream, { subjects_filter: '>' });
      const { [`departure.receipt.${name}`]: _, ...subjects } = state.subjects ?? {};
      found[stream] = { config, created, subjects };
      for await (const consumer of manager.consumers.list(stream)) {
        const { name: durable, num_ack_pending, num_redelivered, delivered, ack_floor, created: since } = consumer;
        // The caller's own receipts reach identity.
        const own = durable === 'identity-receipts' || durablesOf(name).some(([, one]) => one === durable);
        const sequences = [delivered.consumer_seq, ack_floor.consumer_seq];
        if (!own && consumer.config.durable_name)
          found[`${stream} ${durable}`] = { since, num_ack_pending, num_redelivered, sequences };
      }
    }
    const { config, created } = await manager.streams.info(LIMITS);
    return { ...found, [LIMITS]: { config, created } };
  };
  /** What people see: nobody has left, and every service still has its rules. */
  const facts = async () => {
    const { items } = await cast.owner.api.get<{ items: { id: string }[] }>('/v1/rules');
    const people = [cast.owner, cast.ben, cast.cleo, cast.dan];
    const users = await Promise.all(people.map(({ id }) => cast.owner.api.get(`/v1/users/${id}`)));
    return { rules: items.map(({ id }) => id), statuses: users.map(({ status }) => status) };
  };
  /** All acknowledged, nothing on its way. */
  const settled = () =>
    eventually(async () => {
      for (const stream of STREAMS)
        for await (const { name, config, num_ack_pending, num_pending } of manager.consumers.list(stream))
          if (config.durable_name && name !== 'payroll' && name !== 'subscriber')
            expect([name, num_ack_pending, num_pending]).toEqual([name, 0, 0]);
    });

  it.each(CALLERS)('%s can use no request of JetStream but those for its own consumer', async (name) => {
    const own = durablesOf(name);
    const all = [...STREAMS, LIMITS].flatMap((stream) => [
      ...jetStreamApi(stream, `${name}-x`),
      ...['contacts-users', 'messaging-users', 'integrations-departures', 'identity-receipts', 'payroll']
        .filter((durable) => !own.some(([, one]) => one === durable))
        .filter((durable) => name !== 'integrations' || !durable.startsWith(name))
        .flatMap((durable) => [...jetStreamApi(stream, durable), `$JS.ACK.${stream}.${durable}.1.1.1.1.0`]),
    ]);
    const forged = [
      ...['created', 'updated', 'deactivated', 'reactivated', 'deleted'].map((what) => `user.${what}.a.b`),
      ...['scheduled', 'started', 'failed', 'cancelled', 'completed'].map((what) => `departure.${what}.a.b`),
      ...['identity', ...SERVICES, 'billing'].filter((one) => one !== name).map((one) => `departure.receipt.${one}`),
      ...(name === 'gateway' ? [] : ['rpc.identity.rules.declare', 'rpc.identity.users.deactivate']),
      ...(name === 'gateway'
        ? []
        : [...SERVICES, 'identity'].filter((one) => one !== name).map((one) => `rpc.identity.rules.declare.${one}`)),
      ...CALLERS.map((other) => `_INBOX_${other}.x`),
      '$KV.session-epochs.x',
      'audit.head.a',
      'audit.erased.a.b',
      ...(['gateway', 'messaging'].includes(name) ? [] : ['rpc.identity.audit.record-access']),
      'session.ended',
      'progress.departure.x',
      'mail.requested',
    ];
    const subjects = [...new Set([...all, ...SERVER_SUBJECTS, ...forged])];
    const listened = [...subjects, '>', '$JS.>', '$SYS.>', '_INBOX_identity-streams.>', '_R_.>'].filter(
      (subject) =>
        name !== 'subscriber' &&
        !subject.startsWith(`_INBOX_${name}.`) &&
        !/^(progress\.|session\.ended)/.test(subject),
    );
    const user = await BrokerUser.connect(system, name);
    const refused = await user.refusals(subjects, listened);
    await user.close();
    const permitted: string[] = [
      ...(SERVICES.includes(name) || name === 'billing'
        ? ['$JS.API.STREAM.CREATE.USERS', '$JS.API.STREAM.CREATE.DEPARTURES']
        : []),
      ...(SUBSCRIBERS.includes(name) || name === 'gateway' ? ['$JS.API.INFO'] : []),
      ...(name === 'gateway'
        ? [
            ...['CREATE', 'INFO', 'MSG.GET'].map((verb) => `$JS.API.STREAM.${verb}.${LIMITS}`),
            `$JS.API.DIRECT.GET.${LIMITS}.user.created.x.y`,
          ]
        : []),
    ];
    expect(subjects.filter((subject) => !refused.publish.includes(subject)).sort()).toEqual(permitted.sort());
    expect(refused.subscribe).toEqual(listened);
  });

  it.each([...SERVICES, 'billing', ...SUBSCRIBERS])('%s gets no consumer or stream to its liking', async (name) => {
    await settled();
    const before = await contents(name);
    const nats = await open(name);
    const ask = async (subject: string, body: object) =>
      (await nats.request(subject, JSON.stringify(body), { timeout: 3_000 })).json<{ error?: { code: number } }>();
    for (const [stream, durable] of durablesOf(name)) {
      const base = { durable_name: durable, ack_policy: 'explicit' };
      const filter = stream === 'USERS' ? 'user.>' : 'departure.*.*.*';
      const subject = `$JS.API.CONSUMER.CREATE.${stream}.${durable}.${filter}`;
      for (const hostile of [
        { deliver_subject: 'rpc.identity.users.deactivate' },
        { deliver_subject: '$JS.API.STREAM.PURGE.USERS' },
        { deliver_subject: `_INBOX_${name}.x`, deliver_group: 'x' },
        { ack_policy: 'none' },
        { durable_name: 'contacts-users2' },
        { sample_freq: '100' },
      ]) {
        const config = { ...base, filter_subject: filter, ...hostile };
        expect([hostile, await ask(subject, { stream_name: stream, config })]).toEqual([
          hostile,
          { error: expect.objectContaining({ code: 400 }) },
        ]);
      }
    }
    if (!SUBSCRIBERS.includes(name)) {
      const config = { name: 'USERS', subjects: ['user.>'], max_msgs: 1, republish: { src: '>', dest: 'rpc.>' } };
      await ask('$JS.API.STREAM.CREATE.USERS', config);
    }
    await nats.close();
    expect(await contents(name)).toEqual(before);
  });

  it.each(CALLERS)('%s gains nothing from answers to a reply subject of its choice', async (name) => {
    await settled();
    const [before, known] = [await contents(name), await facts()];
    const nats = await open(name);
    const requests: [subject: string, body: string][] = [
      ...durablesOf(name).flatMap(([stream, durable]): [string, string][] => [
        ...['', '+ACK', '+NXT', '+NXT {"batch":5}', '-NAK', '+TERM x'].map((body): [string, string] => [
          `$JS.ACK.${stream}.${durable}.1.1.1.1.0`,
          body,
        ]),
        [`$JS.API.CONSUMER.MSG.NEXT.${stream}.${durable}`, '{"batch":3,"no_wait":true}'],
        [`$JS.API.CONSUMER.MSG.NEXT.${stream}.${durable}`, ''],
        [`$JS.API.CONSUMER.CREATE.${stream}.${durable}`, '{}'],
      ]),
      ['$JS.API.INFO', ''],
      ['$JS.API.STREAM.CREATE.USERS', '{}'],
      [`departure.receipt.${name}`, '{"service":"x","receipts":[]}'],
      ['rpc.identity.directory.lookup', JSON.stringify({ pattern: 'x', id: '0', data: { accountId, userIds: [] } })],
      ['rpc.contacts.recipients', JSON.stringify({ pattern: 'x', id: '0', data: {} })],
      [`rpc.identity.rules.declare.${name}`, JSON.stringify({ pattern: 'x', id: '0', data: {} })],
      ['lifecycle.identity.services', JSON.stringify({ pattern: 'x', id: '0', data: {} })],
      ['lifecycle.contacts.dead-letters', JSON.stringify({ pattern: 'x', id: '0', data: {} })],
    ];
    // Services handle only calls that are signed.
    const signer = SUBSCRIBERS.includes(name) ? undefined : signerOf(name);
    const signed = (subject: string, packet: string) => {
      const all = headers();
      if (signer) all.set(CALL_SIGNATURE, signer.sign({ subject, packet, authorization: '' }));
      return all;
    };
    for (const reply of targetsOf(accountId, cast.ben.id))
      for (const [subject, body] of requests)
        nats.publish(subject, body, {
          reply,
          ...(/^(rpc|lifecycle)/.test(subject) && { headers: signed(subject, body) }),
        });
    // The server answers in order, so that everything has been delivered.
    await nats.flush();
    await nats.close();
    await streams.flush();
    await settled();
    expect(await contents(name)).toEqual(before);
    expect(await facts()).toEqual(known);
  });

  it('cannot make a subscriber deliver events elsewhere than among subscribers', async () => {
    const reader = await EventReader.connect(system.brokerUrl('subscriber'));
    await reader.addConsumer('USERS', 'user.>');
    await settled();
    const before = await contents('subscriber');
    for (const reply of targetsOf(accountId, cast.ben.id).filter((target) => !target.startsWith('$JS.ACK')))
      reader.nats.publish('$JS.API.CONSUMER.MSG.NEXT.USERS.subscriber', '{"batch":2,"no_wait":true}', { reply });
    await reader.nats.flush();
    // They were delivered to where the subscriber said, in its own account.
    await eventually(async () =>
      expect((await manager.consumers.info('USERS', 'subscriber')).delivered.consumer_seq).toBeGreaterThan(0),
    );
    await reader.close();
    await settled();
    expect(await contents('subscriber')).toEqual(before);
  });

  it('does not have to create anything after a loss of the broker: identity creates streams and consumers', async () => {
    await streams.close();
    await system.loseBroker();
    streams = await eventually(() => open('identity-streams'));
    manager = await jetstreamManager(streams, { checkAPI: false });
    const owner = await eventually(() => signIn(system, cast.owner.email), { timeout: 20_000 });
    const departure = await eventually(() => owner.post<Departure>(`/v1/users/${cast.cleo.id}/deactivate`));
    expect((await over(owner, departure)).status).toBe('completed');
    await eventually(async () => {
      const names = (await manager.consumers.list('USERS').next()).map(({ name }) => name);
      expect(names).toEqual(expect.arrayContaining(SERVICES.map((name) => `${name}-users`)));
    });
  }, 60_000);
});
