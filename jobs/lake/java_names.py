"""Classes of the JVM and their static members, each looked up once.

PySpark looks up the class and the method again at every expression: that is half of the calls to the JVM in a run.
"""

from typing import Any

from py4j.java_gateway import JavaClass, JavaGateway, JavaMember, JVMView
from py4j.protocol import DEFAULT_JVM_ID, DEFAULT_JVM_NAME


class _KnownClass(JavaClass):
    def __getattr__(self, name: str) -> Any:
        member = super().__getattr__(name)
        if isinstance(member, JavaMember | JavaClass):  # never the value of a field: it may change
            self.__dict__[name] = member
        return member


class _KnownNames(JVMView):
    def __getattr__(self, name: str) -> Any:
        named = super().__getattr__(name)
        if isinstance(named, JavaClass):  # never a package: an import may give its name to a class
            named = self.__dict__[name] = _KnownClass(named._fqn, named._gateway_client)
        return named


def remember_names(gateway: JavaGateway) -> None:
    """From now on the gateway looks up a class or a static method once."""
    gateway.jvm = _KnownNames(gateway._gateway_client, jvm_name=DEFAULT_JVM_NAME, id=DEFAULT_JVM_ID)
