import { Module } from '@nestjs/common';
import { Catalogue } from './catalogue.js';
import { OwnRules } from './own-rules.js';

/** The rules that all services have declared. */
@Module({
  providers: [Catalogue, OwnRules],
  exports: [Catalogue],
})
export class CatalogueModule {}
