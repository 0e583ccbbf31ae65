import { sql, type RawBuilder } from 'kysely';

/** Between the texts that are searched. No text contains it. */
const SEPARATOR = '\u0001';

/**
 * Whether the text is part of the name, the email or the staff id of user `u`. A deleted user has none of these. Folding takes
 * most of the time, so the three are folded together.
 */
export const hasText = (text: string): RawBuilder<unknown> => sql`
  u.status <> 'deleted'
  and strpos(fold_case(concat_ws(${SEPARATOR}, u.name, u.email, u.staff_id)), fold_case(${text}::text)) > 0`;
