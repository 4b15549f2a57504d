"""A calculator that remembers what it did."""


class Calculator:
    """Four operations and a history of them, oldest first."""

    def __init__(self) -> None:
        self.history: list[str] = []

    def add(self, a: float, b: float) -> float:
        """
        Add two numbers.

        Appends "<a> + <b> = <result>" to self.history, such as "2 + 3 = 5".
        """
        # TODO: Implement addition
        result = 0  # Replace with actual implementation
        self.history.append(f"{a} + {b} = {result}")
        return result

    def subtract(self, a: float, b: float) -> float:
        """
        Subtract b from a.

        Appends "<a> - <b> = <result>" to self.history, such as "5 - 3 = 2".
        """
        # TODO: Implement subtraction
        result = 0  # Replace with actual implementation
        self.history.append(f"{a} - {b} = {result}")
        return result

    def multiply(self, a: float, b: float) -> float:
        """
        Multiply two numbers.

        Appends "<a> * <b> = <result>" to self.history, such as "3 * 4 = 12".
        """
        # TODO: Implement multiplication
        result = 0  # Replace with actual implementation
        self.history.append(f"{a} * {b} = {result}")
        return result

    def divide(self, a: float, b: float) -> float:
        """
        Divide a by b.

        If b is 0, raises ValueError("Cannot divide by zero") and appends nothing.
        Appends "<a> / <b> = <result>" to self.history, such as "6 / 3 = 2.0".
        """
        # TODO: Implement division
        result = 0  # Replace with actual implementation
        self.history.append(f"{a} / {b} = {result}")
        return result
