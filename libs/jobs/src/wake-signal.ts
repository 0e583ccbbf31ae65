/** Lets one loop sleep until somebody wants something. A wake-up while it is busy is not lost: the next wait ends at once. */
export class WakeSignal {
  private woken = false;
  private open?: () => void;

  wake(): void {
    this.woken = true;
    this.open?.();
  }

  /** Forgets a wake-up that what comes next takes care of. */
  reset(): void {
    this.woken = false;
  }

  /** Resolves at the next wake-up, or after so many milliseconds. */
  async wait(milliseconds: number): Promise<void> {
    if (!this.woken) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        this.open = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.woken = false;
  }
}
