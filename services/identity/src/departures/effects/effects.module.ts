import { Module } from '@nestjs/common';
import { AuditModule } from '../../audit/audit.module.js';
import { StoreModule } from '../store/store.module.js';
import { RuleEffects } from './rule-effects.js';

/** What identity's rules write in addition to their rows. The lifecycle engine is set up with it. */
@Module({ imports: [AuditModule, StoreModule], providers: [RuleEffects], exports: [RuleEffects] })
export class EffectsModule {}
