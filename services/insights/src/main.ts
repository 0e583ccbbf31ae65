import { runService } from '#libs/platform';
import { InsightsModule } from './insights.module.js';

await runService({ name: 'insights', module: InsightsModule });
