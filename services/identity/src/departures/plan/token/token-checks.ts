import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { PREPARE_AGAIN, type PrepareAgain } from '#libs/broker';
import { Problem } from '#libs/contracts';
import { sql } from 'kysely';
import { differing, keysOf, type Choices } from './choices.js';
import { PlanTokens, type Basis } from './plan-token.js';
import { changesBetween, destroysTheSame, type ShownLine, type ShownPlan } from './shown-plan.js';

/** A decision as it would be made now. */
export interface Requested {
  /** As `factsOf` returns them. */
  facts: string;
  choices: Choices;
}

/** Counts what is requested, before the transaction of the decision. */
export interface Recount {
  /** The lines that destroy. Undefined if a service does not answer: the decision is then refused for that reason. */
  destroying: () => Promise<ShownLine[]>;
  /** All lines, and the rules that could not be counted. Undefined if a service that is needed does not answer. */
  all: () => Promise<{ lines: ShownLine[]; uncounted: ReadonlySet<string> } | undefined>;
}

interface Checked {
  acceptUncounted?: boolean;
  /** The refusal that `prepare` has returned. */
  stale?: Problem;
}

/** Compares decisions with the previews whose tokens they carry. */
@Injectable()
export class TokenChecks {
  constructor(
    private readonly em: EntityManager,
    private readonly tokens: PlanTokens,
  ) {}

  /**
   * Compares the plan and counts again what it destroys. Asks other services, so it comes before the transaction.
   * @returns the refusal, with what has changed; undefined if the plan is the previewed one, or if the token does not say
   *   what was shown
   */
  async prepare(token: string, requested: Requested, recount: Recount): Promise<Problem | undefined> {
    const basis = this.tokens.read(token);
    const { shown } = basis ?? {};
    if (!basis || !shown) return undefined;
    const others = differing(shown.choices, keysOf(requested.choices));
    if (others.includes('user')) return stale({ detail: 'The plan token is about another user.' });
    const same = others.length === 0 && !(await this.hasChanged(basis, requested));
    if (same && destroysTheSame(shown.lines, await recount.destroying())) return undefined;
    const now = await recount.all();
    const changes = now && changesIn(shown, now);
    return stale({ detail: detailOf(others, changes?.length ?? 0), ...(changes && { changes }) });
  }

  /**
   * Compares the plan again, under the locks of the decision.
   * @returns `PREPARE_AGAIN` if it has changed since `prepare`
   * @throws Problem `uncounted` if the preview lacks the rows of some services; `plan-stale` if the policy, the user or a
   *   named successor has changed, the choices are others, or the token is invalid
   */
  async check(
    token: string,
    requested: Requested,
    { acceptUncounted = false, stale: found }: Checked,
  ): Promise<PrepareAgain | undefined> {
    const basis = this.tokens.read(token);
    if (!basis) throw stale();
    if (found) throw found;
    const { shown, uncounted: away } = basis;
    const others = shown ? differing(shown.choices, keysOf(requested.choices)) : [];
    if (others.length > 0 || basis.facts !== requested.facts) return orPrepareAgain(shown);
    if (away && !acceptUncounted) throw uncounted(away);
    return (await this.successorsChanged(basis, requested)) ? orPrepareAgain(shown) : undefined;
  }

  private async hasChanged(basis: Basis, requested: Requested): Promise<boolean> {
    return basis.facts !== requested.facts || (await this.successorsChanged(basis, requested));
  }

  private async successorsChanged({ at }: Basis, { choices: { successorIds = [] } }: Requested): Promise<boolean> {
    const { rows } = await sql`
      select id from users
      where id = any(${[...successorIds]}::uuid[]) and updated_at > ${new Date(at)}`.execute(this.em.getKysely());
    return rows.length > 0;
  }
}

/** Only a preparation can say what has changed. A token that does not say what was shown is refused as it is. */
function orPrepareAgain(shown: ShownPlan | undefined): PrepareAgain {
  if (!shown) throw stale();
  return PREPARE_AGAIN;
}

function changesIn(
  shown: ShownPlan,
  { lines, uncounted: away }: { lines: ShownLine[]; uncounted: ReadonlySet<string> },
) {
  const counted = shown.lines.filter(({ rule }) => !away.has(rule));
  return changesBetween(counted, lines);
}

const CHANGED = 'The policy, the user or a successor has changed since the preview. Request a new preview.';

function detailOf(others: readonly string[], changes: number): string {
  if (others.length === 0)
    return changes > 0 ? 'What was previewed has changed since. Request a new preview.' : CHANGED;
  return `The request is not the previewed one: it differs in ${others.join(', ')}. Request a new preview.`;
}

const uncounted = (items: string[]) =>
  new Problem('uncounted', {
    detail: `The preview does not count the rows of ${items.join(', ')}. Set acceptUncounted to go on.`,
    items,
  });

const stale = (details: ConstructorParameters<typeof Problem>[1] = {}) =>
  new Problem('plan-stale', { detail: CHANGED, ...details });
