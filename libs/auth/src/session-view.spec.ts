import { beforeEach, describe, expect, it } from '@jest/globals';
import { FRESH_FOR_MS, SessionView } from './session-view.js';

/** What the clock of the database is ahead. */
const AHEAD = 1_000_000;

let view: SessionView;
let number: number;
beforeEach(() => {
  view = new SessionView();
  number = 0;
});

/** A message that says at `now` that everything until `until` has been published. */
const beat = (now: number, until = now, feed = 'a') =>
  view.take({ feed, number: ++number, publishedUntil: until + AHEAD }, now);
/** A snapshot that is requested at `from` and answered at `to`. */
const snapshot = (from: number, to = from) => view.beginSnapshot(from)(to + AHEAD);

describe('a view of the ended sessions', () => {
  it('is fresh for a second after a message that follows a snapshot', () => {
    expect(beat(0)).toBe(true);
    snapshot(10);
    expect(view.isFresh(20)).toBe(false);
    expect(beat(30)).toBe(false);
    expect([view.isFresh(30 + FRESH_FOR_MS), view.isFresh(31 + FRESH_FOR_MS)]).toEqual([true, false]);
  });

  it('is not fresh with a snapshot that was requested before the first message of the feed', () => {
    const sync = view.beginSnapshot(0);
    beat(5);
    sync(AHEAD + 1);
    expect(beat(10)).toBe(true);
    expect(view.isFresh(10)).toBe(false);
  });

  it.each([
    ['a number is missing', () => (number++, beat(40))],
    ['another feed begins', () => beat(40, 40, 'b')],
  ])('is not fresh after %s, until the next snapshot', (_when, happens) => {
    beat(0);
    snapshot(10);
    beat(30);
    expect(happens()).toBe(true);
    expect(view.isFresh(40)).toBe(false);
    snapshot(50);
    beat(60, 60, _when.startsWith('another') ? 'b' : 'a');
    expect(view.isFresh(60)).toBe(true);
  });

  it('counts the time that a message was under way', () => {
    beat(0);
    snapshot(10);
    beat(2_000, 900);
    expect(view.isFresh(2_000)).toBe(false);
  });

  it('counts at least that time if the snapshot was slow', () => {
    beat(0);
    snapshot(0, 500);
    beat(1_600, 1_000);
    expect(view.isFresh(1_600)).toBe(false);
  });

  it('is never newer than the arrival of the message, even if the clock of the database was set forward', () => {
    beat(0);
    snapshot(10);
    beat(30, 60_000);
    expect(view.isFresh(31 + FRESH_FOR_MS)).toBe(false);
  });

  it('stays as old as it was while further messages are announced', () => {
    beat(0);
    snapshot(10);
    beat(30);
    view.take({ feed: 'a', number: ++number }, 900);
    expect([view.isFresh(900), view.isFresh(31 + FRESH_FOR_MS)]).toEqual([true, false]);
  });

  it('is not fresh with an older identity, whose snapshots name no time', () => {
    beat(0);
    view.beginSnapshot(10)(undefined);
    beat(20);
    expect(view.isFresh(20)).toBe(false);
  });
});
