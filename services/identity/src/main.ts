import { runService } from '#libs/platform';
import { IdentityConfig } from './identity.config.js';
import { IdentityModule } from './identity.module.js';

await runService({ name: 'identity', module: IdentityModule, config: IdentityConfig, ownsStreams: true });
