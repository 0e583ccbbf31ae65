import { describe, expect, it } from '@jest/globals';
import type { Departure, DepartureRule, DepartureService } from '#libs/contracts';
import { handoverLines } from './handover-lines.js';

const RECEIVER = '0190163d-8694-739b-aea5-966c26f8ad91';
const DUE = '2026-06-01T00:00:00.000Z';
const NOW = '2026-05-01T00:00:00.000Z';

const labels = new Map([['telephony.numbers', 'Numbers']]);
const about = { service: 'telephony', rule: 'telephony.numbers', label: 'Numbers' };

const aLine = (line: Partial<DepartureRule> = {}): DepartureRule => ({
  ...{ rule: 'telephony.numbers', transition: 'deactivated', action: 'keep' },
  ...{ affected: 2, remaining: 0, finishedAt: NOW },
  ...line,
});
const linesOf = (service: Partial<DepartureService>) =>
  handoverLines(
    {
      services: [{ service: 'telephony', status: 'completed', rules: [], ...service }],
    } as Partial<Departure> as Departure,
    labels,
  );
const checksOf = (line: Partial<DepartureRule>) => linesOf({ rules: [aLine(line)] }).flatMap(({ checks }) => checks);

describe('the lines of a handover report', () => {
  it('have the rows that a receiver has got, and nothing that stayed', () => {
    const moved = aLine({ action: 'transfer', transferredTo: RECEIVER });
    expect(linesOf({ rules: [moved, aLine()] })).toEqual([
      { receiverId: RECEIVER, received: { ...about, transition: 'deactivated', affected: 2 }, checks: [] },
    ]);
  });

  it('have the part of each receiver', () => {
    const other = '0190163d-8694-739b-aea5-966c26f8ad92';
    const transferredTo = [
      { userId: RECEIVER, affected: 2 },
      { userId: other, affected: 1 },
    ];
    expect(linesOf({ rules: [aLine({ action: 'transfer', affected: 3, transferredTo })] })).toEqual([
      { receiverId: RECEIVER, received: { ...about, transition: 'deactivated', affected: 2 }, checks: [] },
      { receiverId: other, received: { ...about, transition: 'deactivated', affected: 1 }, checks: [] },
    ]);
    expect(linesOf({ rules: [aLine({ action: 'transfer', affected: 0, transferredTo: [] })] })).toEqual([]);
  });

  it('leave out a successor who has got no rows', () => {
    const line = { action: 'transfer', transferredTo: RECEIVER, affected: 0, warning: 'successor-has-left' } as const;
    expect(linesOf({ rules: [aLine(line)] })).toEqual([]);
  });

  it.each([
    ['a warning', { warning: 'successor-has-left' }, { kind: 'warning', affected: 2, code: 'successor-has-left' }],
    [
      'a dropped rule',
      { affected: 0, warning: 'rule-dropped' },
      { kind: 'warning', affected: 0, code: 'rule-dropped' },
    ],
    ['a delay', { action: 'delete-after', dueAt: DUE }, { kind: 'delayed', affected: 2, dueAt: DUE }],
    ['a legal hold', { action: 'delete-after', dueAt: DUE, heldAt: DUE }, { kind: 'held', affected: 2, dueAt: DUE }],
    ['a quarantine', { action: 'release-after', dueAt: DUE }, { kind: 'quarantine', affected: 2, dueAt: DUE }],
    ['rows left behind', { remaining: 1 }, { kind: 'remaining', affected: 1 }],
    ['an unfinished rule', { remaining: null, finishedAt: null }, { kind: 'unfinished', affected: 2 }],
    [
      'a failed rule',
      { remaining: null, finishedAt: null, failure: { error: '23514', attempts: 2 } },
      { kind: 'failed', code: '23514' },
    ],
    [
      'rows that are not restored',
      { action: 'restore', notRestored: 1, warning: 'changed-since' },
      { kind: 'not-restored', affected: 1, code: 'changed-since' },
    ],
  ] as [string, Partial<DepartureRule>, object][])('report %s', (_what, line, check) => {
    expect(checksOf(line)).toEqual([{ ...about, ...check }]);
  });

  it('do not report a delayed effect that has happened', () => {
    expect(checksOf({ action: 'delete-after', dueAt: DUE, doneAt: DUE })).toEqual([]);
  });

  it.each([
    [{ status: 'retired' }, { kind: 'skipped', service: 'telephony' }],
    [{ status: 'superseded' }, { kind: 'skipped', service: 'telephony' }],
    [{ status: 'pending' }, { kind: 'unfinished', service: 'telephony' }],
    [
      { status: 'failed', error: '57014' },
      { kind: 'failed', service: 'telephony', code: '57014' },
    ],
  ] as const)('report the state of a service: %j', (service, check) => {
    expect(linesOf(service)).toEqual([{ checks: [check] }]);
  });
});
