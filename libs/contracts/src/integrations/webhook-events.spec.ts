import { describe, expect, it } from '@jest/globals';
import { receives, WEBHOOK_EVENTS } from './webhook-events.js';

const to = (events: string[], ownerIsManager: boolean) =>
  Object.keys(WEBHOOK_EVENTS).filter((type) => receives({ events, ownerIsManager }, type));

describe('a webhook', () => {
  it('gets the events that it subscribes to', () => {
    expect(to(['app.installed', 'departure.failed'], true)).toEqual(['app.installed', 'departure.failed']);
    expect(to(['app'], true)).toEqual([]);
  });

  it('gets, with *, every event that its owner may see', () => {
    expect(to(['*'], true)).toEqual(Object.keys(WEBHOOK_EVENTS));
    expect(to(['*'], false)).toEqual(['app.installed']);
  });

  it.each(['departure.started', 'departure.not-yet-known', 'user.invited'])(
    'of an agent never gets %s, whatever it subscribes to',
    (type) => {
      expect(receives({ events: ['*', type], ownerIsManager: false }, type)).toBe(false);
      expect(receives({ events: ['*'], ownerIsManager: true }, type)).toBe(true);
    },
  );
});
