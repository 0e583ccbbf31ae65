/** Lets one loop sleep until somebody wants something. A ring while it is busy is not lost: the next wait ends at once. */
export class Doorbell {
  private rung = false;
  private open?: () => void;

  ring(): void {
    this.rung = true;
    this.open?.();
  }

  /** Resolves at the next ring, or after so many milliseconds. */
  async wait(milliseconds: number): Promise<void> {
    if (!this.rung) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        this.open = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.rung = false;
  }
}
