import { p } from '@mikro-orm/postgresql';

/**
 * A column that refers to a user. The PostgreSQL domain makes these columns findable in the schema: a test fails for
 * each one that is neither covered by a rule nor excused.
 */
export const userRef = () => p.uuid().columnType('user_ref');

/** A column with personal data of a user. The same test finds it. */
export const personal = () => p.text().columnType('personal');

/** The first columns of every tenant-owned table. */
export const tenantRow = () => ({ id: p.uuid().primary(), accountId: p.uuid() });
