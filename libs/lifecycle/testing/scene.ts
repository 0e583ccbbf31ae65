import type { EntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { ReceiptLine, ResolvedAction, ResolvedRules, Transition } from '#libs/contracts';
import { choiceOf, preview, proof, type Action, type Rule } from '#libs/lifecycle';
import type { Person, RuleBench } from './bench.js';

export interface RuleExample {
  /** Which kind of rows, for a rule over several. */
  part?: string;
  /** Writes one row of the kind that the rule speaks of, belonging to the person. Flushed by the suite. */
  row: (em: EntityManager, owner: Person, bench: RuleBench) => unknown;
  /**
   * How the service itself puts such a row on a person, in a transaction of its own: raced against the departure.
   * It refuses with a `Problem` whoever has left. Without one the rule's rows cannot be written after the person has left by any way of the service.
   */
  write?: (bench: RuleBench, owner: Person) => Promise<unknown>;
  /** For rules that only apply to owners and admins. */
  manager?: boolean;
  /** Another part of the same rule is put through everything; of this one only the selection of its rows is its own. */
  selectionOnly?: boolean;
  /** A person has one such row at most. */
  single?: boolean;
}

type Row = Record<string, unknown>;

export const SEVERAL = 3;
export const MANY = 25;
/** Enough to exceed a small budget several times. */
const SMALL_BUDGET = { perPerson: 4, total: 1_000 };

/** One leaver with rows, beside others who must not be touched. */
export class Scene {
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

  /** Somebody of the same account who stays. */
  get colleague(): Person {
    return this.others[0]!;
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

  async previewed(activeSince = 1): Promise<number> {
    const { accountId, userId } = this.leaver;
    const request = {
      accountId,
      userId,
      steps: [this.transition],
      activeSince,
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

  /** Of the rule's rows, and of those that mark them. */
  private async dump(wanted: (row: Row) => boolean): Promise<unknown[]> {
    const { effect } = this.action;
    const entities = [this.rows.entity, ...(effect.kind === 'insert' ? [effect.into.entity] : [])];
    const found: Row[] = [];
    for (const entity of entities) {
      const { tableName } = this.bench.orm.getMetadata().get(entity);
      const { rows } = await sql<Row>`select * from ${sql.table(tableName)} order by 1, 2`.execute(
        this.bench.em().getKysely(),
      );
      found.push(...rows);
    }
    return found.filter(wanted);
  }
}

const names = (row: Row, userId: string): boolean => Object.values(row).includes(userId);
