import type { EntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import pg from 'pg';
import {
  TRANSITIONS,
  type ReceiptLine,
  type ResolvedAction,
  type ResolvedRules,
  type Transition,
} from '#libs/contracts';
import { choiceOf, preview, proof, type Action, type Rule } from '#libs/lifecycle';
import { RuleBench, type Person, type ServiceUnderTest } from './bench.js';

export interface RuleExample {
  /** Which kind of rows, for a rule over several. */
  part?: string;
  /** Writes one row of the kind that the rule speaks of, belonging to the person. Flushed by the suite. */
  row: (em: EntityManager, owner: Person, bench: RuleBench) => unknown;
  /**
   * How the service itself puts such a row on a person, in a transaction of its own: raced against the departure.
   * It may refuse. Without one the rule's rows cannot be written after the person has left by any way of the service.
   */
  write?: (bench: RuleBench, owner: Person) => Promise<unknown>;
  /** For rules that only apply to owners and admins. */
  manager?: boolean;
  /** A person has one such row at most. */
  single?: boolean;
}

type Row = Record<string, unknown>;

const SEVERAL = 3;
const MANY = 25;
/** Enough to exceed a small budget several times. */
const SMALL_BUDGET = { perPerson: 4, total: 1_000 };

/**
 * What every rule owes, whatever it does: the same statements for each of its actions on each of its transitions.
 * Call it in a spec file of the service that owns the rule.
 */
export function behavesLikeARule(service: ServiceUnderTest, id: string, example: RuleExample): void {
  const rule = service.rules.find((candidate) => candidate.id === id);
  if (!rule) throw new TypeError(`${service.name} has no rule ${id}`);

  describe(`${id}${example.part ? ` (${example.part})` : ''} behaves like a rule:`, () => {
    let bench: RuleBench;
    beforeAll(async () => {
      bench = await RuleBench.open(service);
    });
    afterAll(() => bench.close());
    for (const [transition, action] of offers(rule, example.part)) {
      describe(`${action.name} when ${transition}`, () =>
        statements(() => new Scene(bench, rule, example, transition, action)));
    }
  });
}

function offers(rule: Rule, part: string | undefined): [Transition, Action][] {
  const only = rule.rows.find((rows) => rows.part === part)?.on;
  return TRANSITIONS.filter((transition) => !only || transition === only).flatMap((transition) =>
    (rule.choices[transition]?.actions ?? []).map((action): [Transition, Action] => [transition, action]),
  );
}

function statements(scene: () => Scene): void {
  it('nothing to do is fine', async () => {
    const s = await scene().set(0);
    const line = await s.leave();
    expect(line).toMatchObject({ affected: 0, finishedAt: expect.any(String) });
  });

  it('the preview counts what the receipt will say', async () => {
    const s = await scene().set(SEVERAL);
    const count = await s.previewed();
    expect(count).toBe(s.several);
    if (s.blocks) return expect(s.leave()).rejects.toThrow('stand in the way');
    expect((await s.leave()).affected).toBe(count);
  });

  it('nothing that breaks the promise is left', async () => {
    const s = await scene().set(SEVERAL);
    if (s.blocks) return expect(s.leave()).rejects.toThrow('stand in the way');
    await s.leave();
    expect(await s.remaining()).toEqual([]);
  });

  it('twice is once', async () => {
    const s = await scene().set(SEVERAL);
    if (s.blocks) return expect(s.leave()).rejects.toThrow('stand in the way');
    const first = await s.leave();
    const state = await s.rowsOf(s.leaver);
    expect(await s.leave()).toEqual(first);
    expect(await s.rowsOf(s.leaver)).toEqual(state);
  });

  it("other people's rows and other accounts' are untouched", async () => {
    const s = await scene().set(SEVERAL);
    const before = await s.rowsOfOthers();
    if (s.blocks) await expect(s.leave()).rejects.toThrow('stand in the way');
    else await s.leave();
    expect(await s.rowsOfOthers()).toEqual(before);
  });

  it('a crash before any statement leaves nothing half done', async () => {
    const s = await scene().set(SEVERAL);
    if (s.blocks) return expect(s.leave()).rejects.toThrow('stand in the way');
    const before = await s.rowsOf(s.leaver);
    for (let statement = 1; await crashes(statement, s.bench.database.adminUrl, () => s.leave()); statement++)
      expect(await s.rowsOf(s.leaver)).toEqual(before);
    expect((await s.leave()).affected).toBe(s.several);
    expect(await s.remaining()).toEqual([]);
  });

  it('a large number of rows is worked off in chunks, all of it', async () => {
    const s = await scene().set(MANY);
    if (s.blocks) return expect(s.leave()).rejects.toThrow('stand in the way');
    expect((await s.leaveInChunks()).affected).toBe(s.many);
    expect(await s.remaining()).toEqual([]);
  });

  it('a write that races the departure leaves no row behind', async () => {
    for (let round = 0; round < 3; round++) {
      const s = await scene().set(0);
      if (!s.example.write || s.blocks) return;
      const write = () => s.example.write!(s.bench, s.leaver).catch(() => 'refused');
      await Promise.all([write(), write(), s.leave(), write()]);
      expect(await write()).toBe('refused');
      expect(await s.remaining()).toEqual([]);
    }
  });

  it('what is delayed happens on its day, and not for somebody who came back', async () => {
    const s = await scene().set(SEVERAL);
    if (!s.action.later) return;
    await s.leave();
    const returning = await scene().set(SEVERAL);
    await returning.leave();
    await s.bench.scheduled.drain();
    const waiting = await s.pendingLater();
    expect(waiting).toBe(s.several);
    await s.bench.processor.apply([s.bench.reactivation(returning.leaver)]);
    s.bench.clock.advanceDays(s.action.days ?? 0);
    await s.bench.scheduled.drain();
    expect(await s.pendingLater()).toBe(0);
    expect(await returning.pendingLater()).toBe(s.several);
  });
}

/** One leaver with rows, beside others who must not be touched. */
class Scene {
  leaver!: Person;
  private successor!: Person;
  private others!: Person[];

  constructor(
    readonly bench: RuleBench,
    readonly rule: Rule,
    readonly example: RuleExample,
    readonly transition: Transition,
    readonly action: Action,
  ) {}

  /** How many rows `set(SEVERAL)` and `set(MANY)` make. */
  get several(): number {
    return this.example.single ? 1 : SEVERAL;
  }

  get many(): number {
    return this.example.single ? 1 : MANY;
  }

  get blocks(): boolean {
    return this.action.name === 'block';
  }

  async set(rows: number): Promise<this> {
    const { bench } = this;
    this.leaver = await bench.person({ profile: { isManager: this.example.manager ?? false } });
    this.successor = await bench.admin(this.leaver.accountId);
    const elsewhere = await bench.person();
    this.others = [await bench.person({ accountId: this.leaver.accountId }), elsewhere];
    const em = bench.em();
    const own = this.example.single ? Math.min(rows, 1) : rows;
    for (let n = 0; n < own; n++) await this.example.row(em, this.leaver, bench);
    // Rows of the account can be tied to the leaver without naming them: only another account's are surely others'.
    for (const other of this.ofPerson ? this.others : [elsewhere]) await this.example.row(em, other, bench);
    await em.flush();
    this.leaving = bench.leaving(this.leaver, this.transition, this.policy, {
      departure: { steps: [this.transition], wasManager: this.example.manager ?? false },
    });
    return this;
  }

  private leaving!: ReturnType<RuleBench['leaving']>;

  private get ofPerson(): boolean {
    return this.rows.person !== null;
  }

  private get rows() {
    return this.rule.rows.find((rows) => rows.part === this.example.part) ?? this.rule.rows[0]!;
  }

  private get resolved(): ResolvedAction {
    return { ...choiceOf(this.action), ...(this.action.gives && { to: this.successor.userId }) };
  }

  private get policy(): ResolvedRules {
    return { [this.rule.id]: { [this.transition]: this.resolved } };
  }

  async previewed(): Promise<number> {
    const { accountId, userId } = this.leaver;
    const request = {
      accountId,
      userId,
      steps: [this.transition],
      activeSince: 1,
      wasManager: this.example.manager ?? false,
      rules: this.policy,
    };
    const lines = await preview(this.bench.em().getKysely(), this.bench.rules, request, this.bench.clock.now());
    return lines.find((line) => line.part === this.example.part)!.count;
  }

  async leave(): Promise<ReceiptLine> {
    const receipts = await this.bench.processor.apply([this.leaving]);
    return this.line(receipts.find((receipt) => receipt.userId === this.leaver.userId)!.rules);
  }

  async leaveInChunks(): Promise<ReceiptLine> {
    const { processor, tasks, receipts } = this.bench;
    const usual = processor.budget;
    processor.budget = SMALL_BUDGET;
    try {
      const line = await this.leave();
      if (line.finishedAt) return line;
    } finally {
      processor.budget = usual;
    }
    await sql`update task set chunk_rows = ${SMALL_BUDGET.perPerson}`.execute(this.bench.em().getKysely());
    await tasks.drain();
    const last = receipts.all.filter((receipt) => receipt.userId === this.leaver.userId).at(-1)!;
    expect(last.status).toBe('completed');
    return this.line(last.rules);
  }

  private line(lines: readonly ReceiptLine[]): ReceiptLine {
    return lines.find((line) => line.part === this.example.part)!;
  }

  async remaining() {
    const { broken } = await proof(this.bench.em().getKysely(), this.bench.rules, {
      users: [{ userId: this.leaver.userId, lifecycleVersion: 2 }],
    });
    return broken;
  }

  /** Rows on which the delayed part has still to happen. */
  async pendingLater(): Promise<number> {
    const step = this.bench.rules.find(this.rule.id, this.example.part, this.transition, this.resolved);
    const declared = this.rule.choices[this.transition]!.actions.find((action) => action.name === this.action.name)!;
    const statements = step.part.laterStatements.get(declared) ?? step.part.statements;
    const leaver = { ...this.leaver, wasManager: false, leftAt: this.bench.clock.now() };
    return (
      (await statements.count(this.bench.em().getKysely(), this.action.later!.effect, [leaver])).get(
        this.leaver.userId,
      ) ?? 0
    );
  }

  async rowsOf({ accountId, userId }: Person): Promise<unknown[]> {
    return this.dump((row) => (row.account_id === undefined ? names(row, userId) : row.account_id === accountId));
  }

  async rowsOfOthers(): Promise<unknown[]> {
    const elsewhere = (row: Row) => row.account_id !== undefined && row.account_id !== this.leaver.accountId;
    return this.dump((row) => elsewhere(row) || this.others.some((other) => names(row, other.userId)));
  }

  private async dump(wanted: (row: Row) => boolean): Promise<unknown[]> {
    const meta = this.bench.orm.getMetadata().get(this.rows.entity);
    const { rows } = await sql<Record<string, unknown>>`select * from ${sql.table(meta.tableName)} order by 1`.execute(
      this.bench.em().getKysely(),
    );
    return rows.filter(wanted);
  }
}

const names = (row: Row, userId: string): boolean => Object.values(row).includes(userId);

/** Runs the work with its connection killed before the n-th statement. False when it has fewer statements than that. */
async function crashes(n: number, adminUrl: string, work: () => Promise<unknown>): Promise<boolean> {
  const { query } = pg.Client.prototype;
  const ask = query as unknown as (this: pg.Client, ...args: unknown[]) => Promise<unknown>;
  const admin = new pg.Client(adminUrl);
  await admin.connect();
  let statement = 0;
  let broken = false;
  const patched = function (this: pg.Client, ...args: unknown[]): Promise<unknown> {
    if (this === admin || ++statement !== n) return ask.apply(this, args);
    broken = true;
    const { processID } = this as unknown as { processID: number };
    return ask.call(admin, 'select pg_terminate_backend($1)', [processID]).then(() => ask.apply(this, args));
  };
  pg.Client.prototype.query = patched as unknown as typeof query;
  try {
    await work();
    return broken;
  } catch (error) {
    if (!broken) throw error;
    return true;
  } finally {
    pg.Client.prototype.query = query;
    await admin.end();
  }
}
