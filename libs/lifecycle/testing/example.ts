import type { EntityManager } from '@mikro-orm/postgresql';
import type { Person, RuleBench } from './bench.js';

export interface RuleExample {
  /** The kind of rows, if the rule has several. */
  part?: string;
  /** Adds one row of the owner that the rule covers. The suite flushes. */
  row: (em: EntityManager, owner: Person, bench: RuleBench) => unknown;
  /**
   * Writes such a row the way the service does, in its own transaction that locks the owner; the suite races it against the
   * departure. Throws a `Problem` if the owner has left. Leave out `write` and `ways` if the service never writes such rows
   * for an existing user.
   */
  write?: Write;
  /** Further such writes by name, each raced separately. */
  ways?: Readonly<Record<string, Way>>;
  /** For rules that only apply to owners and admins. */
  manager?: boolean;
  /** Runs only the tests of the selection, because another part of the rule runs all others. */
  selectionOnly?: boolean;
  /** Whether a user has at most one such row. */
  single?: boolean;
}

export type Write = (bench: RuleBench, owner: Person) => Promise<unknown>;

/** A write that needs another row first. */
interface WriteTo {
  /** Creates that row before the race. @returns its id */
  given: (bench: RuleBench, owner: Person) => Promise<string>;
  write: (bench: RuleBench, owner: Person, id: string) => Promise<unknown>;
  /** Whether the write may succeed after the departure, for example because the given row has another owner by then. */
  maySucceed?: boolean;
}

export type Way = Write | WriteTo;
