import { migrate } from '@leaver/service-kit/database';
import { migrations } from './migrations.ts';

await migrate(process.env.OWNER_DATABASE_URL!, migrations);
