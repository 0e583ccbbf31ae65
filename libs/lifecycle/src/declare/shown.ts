import { mayAll, type Rights, type Role, type Who } from '#libs/contracts';
import { sql, type RawBuilder } from 'kysely';

/** A SQL condition. */
type Condition = RawBuilder<unknown>;

/** How the rows behind a count are shown to the person who decides. Without it, a row is shown by its id. */
export interface Shown {
  /** What a row is: `conversation`, `phone-number`. */
  readonly type: string;
  /** The text by which a person recognizes a row: a property, or SQL over the row (alias `t`). */
  readonly label?: string | RawBuilder<unknown>;
  /** Who sees the row. For all others its label is hidden. */
  readonly see: readonly Who[];
  /** What makes a row the asker's own, as SQL over the row (alias `t`) and the asker (alias `a`: user_id). */
  readonly own?: Condition;
  /** What makes a row one that is shared with the asker, likewise. */
  readonly team?: Condition;
  /** The user who has the row now, as SQL over the row. Default: the property that names the leaver. */
  readonly holder?: RawBuilder<unknown>;
}

/** For rows that no line of `RIGHTS` is about: owners and admins see them. */
export const MANAGERS_SEE: Rights = { see: ['managers'] };

/**
 * Declares how rows are shown.
 * @param type what a row is, in the singular
 * @param rights the line of `RIGHTS` that says who sees it
 */
export const shownAs = (type: string, { see }: Rights, more: Omit<Shown, 'type' | 'see'> = {}): Shown =>
  Object.freeze({ type, see, ...more });

/** The person who asks for rows. */
export interface Asker {
  userId: string;
  roles: readonly Role[];
}

/** The properties that a label is read from by default, the first that an entity has. */
export const LABELS = ['name', 'title', 'subject'] as const;

/**
 * Whether the asker sees row `t`, as SQL. A relation that is not declared includes nobody, so that a label is rather hidden
 * than leaked.
 * @param ownByDefault the condition for the asker's own rows if none is declared
 */
export function seenBy({ see, own, team }: Shown, asker: Asker, ownByDefault?: Condition): Condition {
  if (mayAll(see, asker)) return sql`true`;
  const conditions = [
    ...(see.includes('own') ? [own ?? ownByDefault] : []),
    ...(see.includes('team') ? [team] : []),
  ].filter((condition) => condition !== undefined);
  return conditions.length > 0
    ? sql`coalesce(${sql.join(
        conditions.map((one) => sql`(${one})`),
        sql` or `,
      )}, false)`
    : sql`false`;
}
