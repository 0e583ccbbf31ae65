import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { sql } from 'kysely';
import { callsRoleOf, NoCallsRoleError } from './scoped-connections.js';

interface Facts {
  role: string;
  assumable: boolean;
  open: string[];
}

/**
 * Refuses to start on a database that does not keep the accounts apart, because it was not migrated to this version. Tables that
 * calls cannot read, such as an operator's own, do not matter.
 */
@Injectable()
export class RowSecurityCheck implements OnModuleInit {
  constructor(private readonly em: EntityManager) {}

  async onModuleInit(): Promise<void> {
    // A database that cannot be reached stops no service: it is not ready, and each connection is checked when it is used.
    const facts = await this.facts().catch(() => undefined);
    if (!facts) return;
    if (!facts.assumable) throw new NoCallsRoleError(callsRoleOf(facts.role), undefined);
    const { open } = facts;
    if (open.length > 0)
      throw new Error(
        `tables without row-level security: ${open.join(', ')}: run the job \`migrate\` of this version first`,
      );
  }

  private async facts(): Promise<Facts | undefined> {
    const { rows } = await sql<Facts>`
      select session_user::text as role,
        exists (select from pg_roles where rolname = session_user || ${callsRoleOf('')} and pg_has_role(session_user, oid, 'set'))
          as assumable,
        array(select c.relname::text from pg_class c join pg_roles r on r.rolname = session_user || ${callsRoleOf('')}
          where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace and not c.relrowsecurity
            and has_table_privilege(r.oid, c.oid, 'select') order by 1) as open`.execute(this.em.fork().getKysely());
    return rows[0];
  }
}
