import { migration } from '#libs/database';

/** When the name, the external id or the members of a team last changed. Null since its creation, and for older teams. */
export const teamUpdatedAt = migration('0044-team-updated-at', `alter table team add column updated_at timestamptz`);
