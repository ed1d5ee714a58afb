package w
import (_ "github.com/wamuir/graft/tensorflow"; _ "github.com/wamuir/graft/tensorflow/op")
