import { p } from '@mikro-orm/postgresql';

/**
 * A column that points at a person. The PostgreSQL domain makes such columns findable in the live schema: a test fails
 * for each one that no rule covers and nobody has excused.
 */
export const userRef = () => p.uuid().columnType('user_ref');

/** A column that holds personal detail of somebody who may leave. Found by the same test. */
export const personal = () => p.text().columnType('personal');

/** What every tenant-owned row begins with. */
export const tenantRow = () => ({ id: p.uuid().primary(), accountId: p.uuid() });
