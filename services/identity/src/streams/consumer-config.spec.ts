import { describe, expect, it } from '@jest/globals';
import { refusalOf } from './consumer-config.js';

const PULLED = { durable_name: 'orders', ack_policy: 'explicit', filter_subject: 'user.>' };
const ofDepartures = (filter: string | undefined) =>
  refusalOf('DEPARTURES', 'orders', { ...PULLED, filter_subject: filter });

describe('a consumer', () => {
  it('of events is pulled and acknowledged', () => {
    expect(refusalOf('USERS', 'orders', PULLED)).toBeUndefined();
    expect(refusalOf('USERS', 'orders', { durable_name: 'orders', ack_policy: 'explicit' })).toBeUndefined();
    expect(refusalOf('USERS', 'orders', { ...PULLED, deliver_subject: '_INBOX_orders.x' })).toMatch('deliver_subject');
    expect(refusalOf('USERS', 'orders', { ...PULLED, deliver_group: 'x' })).toMatch('deliver_group');
    expect(refusalOf('USERS', 'orders', { ...PULLED, direct: true })).toMatch('direct');
    expect(refusalOf('USERS', 'orders', { ...PULLED, ack_policy: 'all' })).toMatch('explicit');
  });

  it('has the name in the subject of the request', () => {
    expect(refusalOf('USERS', 'orders', { ...PULLED, durable_name: 'contacts-users' })).toMatch('name');
    expect(refusalOf('USERS', 'orders', { ...PULLED, name: 'contacts-users' })).toMatch('name');
  });

  it.each(['departure.*.*.*', 'departure.completed.*.*', 'departure.*'])(
    'of departures may have the filter %s',
    (filter) => expect(ofDepartures(filter)).toBeUndefined(),
  );

  it.each([undefined, '>', 'departure.>', 'departure.*.*', 'departure.*.>', 'departure.receipt.*', 'user.a.b.c'])(
    'of departures may not have the filter %s, which receipts match',
    (filter) => expect(ofDepartures(filter)).toMatch('filter_subject'),
  );
});
