import { decodeUserEvent, UnknownEventType, type UserEvent } from './events.js';
import { PROBLEMS, Problem } from './problem.js';

const id = '0192f3c4-0000-7000-8000-000000000001';
const departure = {
  id,
  steps: ['deactivated'],
  activeSince: 1,
  wasManager: false,
  policy: { preset: 'crm', version: 1, rules: {} },
  round: 0,
};
const data = { accountId: id, userId: id, seq: 2, lifecycleVersion: 2, profile: { status: 'deactivated' }, departure };
const event = {
  specversion: '1.0',
  id,
  source: '/leaver/identity',
  type: 'user.deactivated',
  subject: id,
  time: '2026-01-01T00:00:00Z',
  datacontenttype: 'application/json',
  data,
};
const decode = (value: unknown): UserEvent => decodeUserEvent(new TextEncoder().encode(JSON.stringify(value)));

describe('a user event', () => {
  it('is read from its bytes', () => {
    expect(decode(event)).toEqual(event);
  });

  it.each([
    ['not a CloudEvent', { ...event, specversion: '0.3' }],
    ['not a CloudEvent', 'user.deactivated'],
    ['not a type', { ...event, type: 'team.promoted' }],
    ['no data', { ...event, data: undefined }],
    ['UUIDs', { ...event, data: { ...data, userId: "x' or 1=1" } }],
    ['whole numbers', { ...event, data: { ...data, seq: '2' } }],
    ['whole numbers', { ...event, data: { ...data, lifecycleVersion: 0 } }],
    ['no profile', { ...event, data: { ...data, profile: null } }],
    ['no departure', { ...event, data: { ...data, departure: undefined } }],
  ])('is refused with the reason: %s', (reason, value) => {
    expect(() => decode(value)).toThrow(reason);
  });

  it('of a type from a later version is told apart from a malformed one', () => {
    expect(() => decode({ ...event, type: 'user.promoted' })).toThrow(UnknownEventType);
    expect(() => decode({ ...event, type: 'user.' })).not.toThrow(UnknownEventType);
  });

  it('is refused if its bytes are not text', () => {
    expect(() => decodeUserEvent(Uint8Array.of(0xff, 0xfe))).toThrow('encoded data');
  });
});

describe('a problem', () => {
  it('crosses the wire with its code and details', () => {
    const problem = new Problem('sole-owner', { detail: 'Make somebody else owner first.', items: [id] });
    const arrived = Problem.fromBody(JSON.parse(JSON.stringify(problem.toBody())));
    expect(arrived.toBody()).toEqual(problem.toBody());
    expect(arrived.status).toBe(409);
  });

  it('with an unknown code becomes `internal`', () => {
    const unknown = { ...new Problem('gone').toBody(), code: 'from-the-future' as 'gone' };
    expect(Problem.fromBody(unknown).code).toBe('internal');
  });

  it('has an error status and a title', () => {
    for (const [status, title] of Object.values(PROBLEMS)) {
      expect(status).toBeGreaterThanOrEqual(400);
      expect(title).not.toBe('');
    }
  });
});
