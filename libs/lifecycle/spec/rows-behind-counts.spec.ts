import { sql } from 'kysely';
import type { RowPage } from '#libs/contracts';
import {
  affectedRows,
  MANAGERS_SEE,
  owned,
  previewedRows,
  rule,
  RuleSet,
  shownAs,
  always,
  keep,
} from '#libs/lifecycle';
import { AtTheDesk, unassignChairs } from './at-the-desk.js';
import { Circular, Thing } from './desk.js';

const at = AtTheDesk.open();
const asker = { userId: '019b3c5e-7a10-7c44-9d2e-5f60718293a4', roles: ['admin'] as const };
const db = () => at.bench.em().getKysely();

const behindPreview = (name: string, page: { after?: string; as?: string; of?: RuleSet } = {}): Promise<RowPage> =>
  previewedRows(
    db(),
    page.of ?? at.bench.rules,
    {
      ...at.robin,
      ...{ rule: name, transition: 'deactivated', steps: ['deactivated'], activeSince: 1, wasManager: false },
      rules: { [name]: { deactivated: { action: 'keep' } } },
      asker: { ...asker, userId: page.as ?? asker.userId },
      ...{ after: page.after ?? null, limit: 2 },
    },
    at.bench.clock.now(),
  );
const behindReceipt = (name: string, { after = null as string | null, limit = 2, lifecycleVersion = 2 } = {}) =>
  affectedRows(db(), at.bench.rules, { ...at.robin, lifecycleVersion, rule: name, asker, after, limit });
const leave = () => at.bench.processor.apply([at.bench.leaving(at.robin, 'deactivated', unassignChairs)]);
const label = (kind: string, text: string | null) =>
  sql`update thing set label = ${text} where owner = ${at.robin.userId} and kind = ${kind}`.execute(db());

describe('the rows behind a count', () => {
  it('have the declared type and label; an empty label is replaced by the id', async () => {
    await at.things('chair', at.robin, 1);
    await label('chair', 'Swivel chair');
    const { rows } = await behindPreview('desk.chairs');
    expect(rows).toEqual([{ id: expect.any(String), type: 'thing', label: 'Swivel chair', holderId: at.robin.userId }]);
    await label('chair', '');
    expect((await behindPreview('desk.chairs')).rows).toMatchObject([{ label: rows[0]!.id }]);
  });

  it('have the id as label if the rule does not say how they are shown', async () => {
    await at.things('trap', at.robin, 1);
    const one = rule('desk.one', 'One', { rows: owned(Thing, 'owner'), deactivated: always(keep) });
    const { rows } = await behindPreview('desk.one', { of: new RuleSet('desk', [one], at.bench.em()) });
    expect(rows).toMatchObject([{ type: 'thing', label: rows[0]!.id }]);
  });

  it('hide the label of a row that the asker does not see, and show it once it is shared or the asker’s own', async () => {
    await at.things('plant', at.robin, 1);
    await label('plant', 'Secret fern');
    const { rows } = await behindPreview('desk.plants');
    expect(rows).toEqual([
      { id: expect.any(String), type: 'plant', label: null, hidden: true, holderId: at.robin.userId },
    ]);
    expect((await behindPreview('desk.plants', { as: at.robin.userId })).rows).toMatchObject([
      { label: 'Secret fern' },
    ]);
    await sql`update thing set state = 'shared' where owner = ${at.robin.userId}`.execute(db());
    expect((await behindPreview('desk.plants')).rows).toMatchObject([{ label: 'Secret fern' }]);
  });

  it('say which of the rows that a departure has changed are gone, page by page', async () => {
    await at.things('chair', at.robin, 5);
    const { rows: before } = await sql<{ id: string }>`
      select id from thing where owner = ${at.robin.userId} order by id`.execute(db());
    await leave();
    const ids = before.map(({ id }) => id);
    await sql`delete from thing where id = ${ids[1]}`.execute(db());
    // It went to another account, as a released phone number can.
    await sql`update thing set account_id = gen_random_uuid() where id = ${ids[2]}`.execute(db());
    const first = await behindReceipt('desk.chairs');
    expect(first).toMatchObject({ rows: [{ id: ids[0] }], gone: 1, next: expect.stringMatching(/^\d+:/) });
    const second = await behindReceipt('desk.chairs', { after: first.next });
    expect(second).toMatchObject({ rows: [{ id: ids[3] }], gone: 1 });
    expect(await behindReceipt('desk.chairs', { after: second.next })).toMatchObject({
      rows: [{ id: ids[4] }],
      gone: 0,
      next: null,
    });
  });

  it('go on across undo records: a large departure writes many', async () => {
    await at.things('chair', at.robin, 5);
    await leave();
    await sql`
      with one as (delete from undo where user_id = ${at.robin.userId} returning *)
      insert into undo (user_id, lifecycle_version, rule, part, successor, row_ids)
      select user_id, lifecycle_version, rule, part, successor, array[r] from one, unnest(row_ids) r`.execute(db());
    const first = await behindReceipt('desk.chairs', { limit: 3 });
    const second = await behindReceipt('desk.chairs', { limit: 3, after: first.next });
    expect([first.rows.length, second.rows.length, second.next]).toEqual([3, 2, null]);
  });

  it('are not known for a decision that this service has not applied, or after the undo records are dropped', async () => {
    await at.things('chair', at.robin, 1);
    expect(await behindReceipt('desk.chairs')).toEqual({ rows: [], next: null, gone: 0, reason: 'not-applied' });
    await leave();
    await sql`delete from undo where user_id = ${at.robin.userId}`.execute(db());
    expect(await behindReceipt('desk.chairs')).toMatchObject({ rows: [], reason: 'not-recorded' });
    // A position in a record that has been dropped is still a position.
    const after = `7:${at.robin.userId}`;
    expect(await behindReceipt('desk.chairs', { after })).toMatchObject({ rows: [], next: null });
  });

  it('need a label that the entity has', () => {
    const declared = (entity: typeof Thing | typeof Circular, text?: string) => () =>
      new RuleSet(
        'desk',
        [
          rule('desk.one', 'One', {
            rows: { entity, person: null, where: {}, shown: shownAs('one', MANAGERS_SEE, { label: text }) },
            deactivated: always(keep),
          }),
        ],
        at.bench.em(),
      );
    expect(declared(Thing, 'label')).not.toThrow();
    expect(declared(Thing, 'colour')).toThrow('thing has no property colour');
    expect(declared(Circular)).toThrow('circular: say which label a one has');
    expect(owned(Thing, 'owner').shown).toBeUndefined();
  });
});
