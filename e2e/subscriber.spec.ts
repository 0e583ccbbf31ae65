import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { eventually } from '#libs/test-kit';
import { anAccount, signIn, type Cast } from './support/cast.js';
import { over, type Departure } from './support/departures.js';
import { EventReader } from './support/event-reader.js';
import { System } from './support/system.js';

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** External programs as in the README: NATS clients without our libraries. */
describe('a subscriber', () => {
  let system: System;
  let cast: Cast;
  let subscriber: ChildProcess;
  let heard = '';
  const readers: EventReader[] = [];

  const reader = async (name: string) => {
    const connected = await EventReader.connect(system.brokerUrl(name));
    readers.push(connected);
    return connected;
  };
  const leave = async ({ id }: { id: string }, how: 'deactivate' | 'delete') =>
    over(cast.owner.api, await cast.owner.api.post<Departure>(`/v1/users/${id}/${how}`));

  const aDayLater = async () => {
    system.advanceDays(1);
    cast.owner.api = await signIn(system, cast.owner.email);
  };

  beforeAll(async () => {
    system = await System.start({ subscribers: ['orders', 'payroll', 'late', 'later'] });
    cast = await anAccount(system, 'texting');
    subscriber = spawn(process.execPath, [file('../examples/subscriber/subscriber.mjs')], {
      env: { PATH: process.env.PATH, NATS_URL: system.brokerUrl('subscriber') },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    subscriber.stdout!.on('data', (text) => (heard += text));
  }, 60_000);
  afterAll(async () => {
    subscriber?.kill();
    await Promise.all(readers.map((one) => one.close()));
    await system?.stop();
  });

  it('receives the events of a deactivation and a deletion', async () => {
    await leave(cast.dan, 'deactivate');
    await eventually(() => expect(heard).toContain(`user.deactivated ${cast.dan.id} 2`));
    await leave(cast.dan, 'delete');
    await eventually(() => expect(heard).toContain(`user.deleted ${cast.dan.id} 3`));
  });

  it('receives every event of users and of departures, also if others subscribe', async () => {
    const [orders, payroll] = [await reader('orders'), await reader('payroll')];
    await orders.readAll();
    await payroll.readAll();
    await leave(cast.ada, 'deactivate');
    for (const { typesAbout } of [orders, payroll])
      await eventually(() =>
        expect(typesAbout(cast.ada.id)).toEqual(
          expect.arrayContaining(['departure.completed', 'departure.started', 'user.created', 'user.deactivated']),
        ),
      );
  });

  it('can neither read nor acknowledge what others receive, nor read anything but events', async () => {
    const orders = readers.find(({ name }) => name === 'orders')!;
    const streams = ['USERS', 'DEPARTURES'];
    const ofOther = streams.flatMap((stream) => [
      `$JS.API.CONSUMER.MSG.NEXT.${stream}.payroll`,
      `$JS.API.CONSUMER.CREATE.${stream}.payroll`,
      `$JS.API.CONSUMER.CREATE.${stream}.payroll.user.deleted.*.*`,
      `$JS.API.CONSUMER.DURABLE.CREATE.${stream}.payroll`,
      `$JS.API.CONSUMER.DELETE.${stream}.payroll`,
      `$JS.API.CONSUMER.INFO.${stream}.payroll`,
      `$JS.ACK.${stream}.payroll.1.1.1.1.0`,
    ]);
    const ofAll = streams.flatMap((stream) => [
      `$JS.API.CONSUMER.CREATE.${stream}`,
      `$JS.API.CONSUMER.DELETE.${stream}.orders`,
      `$JS.API.CONSUMER.LIST.${stream}`,
      `$JS.API.STREAM.INFO.${stream}`,
      `$JS.API.STREAM.CREATE.${stream}`,
      `$JS.API.STREAM.MSG.GET.${stream}`,
      `$JS.API.DIRECT.GET.${stream}`,
      `$JS.API.STREAM.PURGE.${stream}`,
    ]);
    const receipts = [
      '$JS.API.CONSUMER.CREATE.DEPARTURES.orders',
      '$JS.API.CONSUMER.DURABLE.CREATE.DEPARTURES.orders',
      '$JS.API.CONSUMER.CREATE.DEPARTURES.orders.departure.>',
      '$JS.API.CONSUMER.CREATE.DEPARTURES.orders.departure.*.>',
      '$JS.API.CONSUMER.CREATE.DEPARTURES.orders.departure.receipt.*',
      '$JS.API.CONSUMER.CREATE.DEPARTURES.orders.>',
    ];
    const events = [
      'user.deleted.a.b',
      'departure.completed.a.b',
      'departure.receipt.contacts',
      'rpc.identity.directory.lookup',
    ];
    expect(await orders.publishable([...ofOther, ...ofAll, ...receipts, ...events])).toEqual([]);
    expect(
      await orders.subscribable(['>', '_INBOX.>', '_INBOX_payroll.>', 'user.>', 'departure.>', '$JS.>', 'rpc.>']),
    ).toEqual([]);
    // The subject of the request and the filter in it have to agree.
    await expect(orders.addConsumer('DEPARTURES', 'departure.receipt.*')).rejects.toThrow();
    await expect(orders.addConsumer('DEPARTURES')).rejects.toThrow();
    await expect(orders.addConsumer('USERS', 'user.>', 'payroll')).rejects.toThrow();
    const contradiction = await orders.nats.request(
      '$JS.API.CONSUMER.CREATE.DEPARTURES.orders.departure.x.x.x',
      JSON.stringify({
        stream_name: 'DEPARTURES',
        config: { durable_name: 'orders', filter_subject: 'departure.receipt.*', ack_policy: 'explicit' },
      }),
    );
    expect(contradiction.json()).toMatchObject({ error: { code: 400 } });
    const info = await orders.nats.request('$JS.API.CONSUMER.INFO.DEPARTURES.orders');
    expect(info.json()).toMatchObject({ config: { filter_subject: 'departure.*.*.*' } });
  });

  it('that comes a day after a deletion and reads the streams from the start hears of it, and nothing else about the user', async () => {
    await leave(cast.cleo, 'delete');
    await aDayLater();
    const late = await reader('late');
    await late.readAll();
    await eventually(() => expect(late.typesAbout(cast.cleo.id)).toContain('departure.completed'));
    const ofUser = late.about(cast.cleo.id).filter(({ type }) => type.startsWith('user.'));
    expect(ofUser).toMatchObject([
      { type: 'user.deleted', tombstone: true, data: { userId: cast.cleo.id, profile: { name: null } } },
    ]);
    expect(JSON.stringify(ofUser)).not.toContain(cast.cleo.email);
  });

  it('that was offline from before the deletion until a day after it hears of it', async () => {
    const before = await reader('later');
    await before.readAll();
    await eventually(() => expect(before.typesAbout(cast.ben.id)).toContain('user.created'));
    await before.close();
    await leave(cast.ben, 'delete');
    await aDayLater();
    const after = await reader('later');
    await after.readAll();
    await eventually(() =>
      expect(after.about(cast.ben.id)).toContainEqual(
        expect.objectContaining({ type: 'user.deleted', tombstone: true }),
      ),
    );
  });
});
