import { Injectable } from '@nestjs/common';
import type { Reactivation, Restore } from '#libs/contracts';
import { Catalogue } from '../../catalogue/catalogue.js';
import { ruleOf } from '../../policy/choices.js';

/** Reads what a reactivation is to restore. */
@Injectable()
export class Restorations {
  constructor(private readonly catalogue: Catalogue) {}

  /**
   * What to restore; undefined for nothing.
   * @throws Problem `unknown-rule`
   */
  async of({ restore = 'none' }: Pick<Reactivation, 'restore'>): Promise<Restore | undefined> {
    if (restore === 'all') return restore;
    if (restore === 'none' || restore.length === 0) return undefined;
    const catalogue = await this.catalogue.rules();
    return [...new Set(restore)].map((id) => ruleOf(catalogue, id).id);
  }
}
